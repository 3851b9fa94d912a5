#!/usr/bin/env bash
# One scan, as a step of a GitHub workflow: score and paths as outputs, the Markdown report as the step's summary.
#
# It needs bash and coreutils (jq is used where there is one), reads its inputs from the environment only, and never
# puts one of them where a shell, an option parser or the runner could take it for an instruction.
#
# Read:     INPUT_URL, INPUT_DEPTH, INPUT_FAIL_ON_SEVERITY, INPUT_FAIL_UNDER, INPUT_BASELINE, INPUT_OPENAPI,
#           INPUT_SARIF, INPUT_BINARY, RATEWARDEN_BIN, RATEWARDEN_HEADERS (one `Name: value` a line),
#           GITHUB_ACTION_PATH, GITHUB_WORKSPACE
# Written:  GITHUB_OUTPUT (score, grade, sarif, json), GITHUB_STEP_SUMMARY
# Ends as the scan ended: 0 fine, 1 findings or score over the threshold, 2 usage, 3 target not reachable.
set -euo pipefail

# A workflow command is one line: what is put into it is escaped as the runner expects.
escape() {
  local text=$1
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '%s' "${text//$'\n'/%0A}"
}

annotate() { printf '::error title=Ratewarden::%s\n' "$(escape "$1")"; }

usage() {
  annotate "$1"
  exit 2
}

# Inputs that stay on one line: a line break in an output or an argument is never meant.
one_line() { case $2 in *[[:cntrl:]]*) usage "input \`$1\` contains a line break or another control character" ;; esac }

one_of() {
  local name=$1 value=$2 allowed
  shift 2
  for allowed in "$@"; do
    if [[ $value == "$allowed" ]]; then return; fi
  done
  usage "input \`$name\` is \`$value\`; expected one of: $*"
}

in_workspace() {
  case $1 in
    /*) printf '%s' "$1" ;;
    *) printf '%s/%s' "$workspace" "$1" ;;
  esac
}

# An absolute path without `.`, `..` and doubled slashes. `realpath -m` would do it, but not on a Mac.
normalised() {
  local parts part result=
  IFS=/ read -r -a parts <<<"$1"
  for part in "${parts[@]}"; do
    case $part in
      '' | .) ;;
      ..) result=${result%/*} ;;
      *) result+=/$part ;;
    esac
  done
  printf '%s' "${result:-/}"
}

# Whether two paths lead to one file: two spellings, or two names of a file that exists.
same_place() {
  local one other
  one=$(normalised "$(in_workspace "$1")")
  other=$(normalised "$(in_workspace "$2")")
  [[ $one == "$other" || $one -ef $other ]]
}

# What this step writes must not be what the scan reads.
refuse_overwriting() {
  local name=$1 read=$2 written
  case $read in
    '' | http://* | https://*) return ;;
  esac
  for written in "$json" "$sarif"; do
    if same_place "$read" "$written"; then
      usage "the report \`$written\` would be written over the input \`$name\`; give the input \`sarif\` another name"
    fi
  done
}

# Sets `binary`: the input, the environment, the PATH, or a build of the action's own checkout.
find_binary() {
  binary=${INPUT_BINARY:-${RATEWARDEN_BIN:-}}
  if [[ -n $binary ]]; then
    binary=$(in_workspace "$binary")
    if [[ ! -x $binary ]]; then usage "\`$binary\` is not a program that can be run"; fi
    return
  fi
  if binary=$(command -v ratewarden); then return; fi
  if ! command -v cargo >/dev/null; then
    usage "neither ratewarden nor cargo is on the PATH; give the input \`binary\`, or install Rust before this step"
  fi
  local target=${CARGO_TARGET_DIR:-$GITHUB_ACTION_PATH/target}
  # What is built on the way has no business with the secrets of the scan.
  env -u RATEWARDEN_HEADERS cargo build --release --locked --package ratewarden \
    --manifest-path "$GITHUB_ACTION_PATH/Cargo.toml" --target-dir "$target" >&2
  binary=$target/release/ratewarden
}

check_inputs() {
  url=${INPUT_URL:-}
  depth=${INPUT_DEPTH:-standard}
  fail_on_severity=${INPUT_FAIL_ON_SEVERITY:-}
  fail_under=${INPUT_FAIL_UNDER:-}
  baseline=${INPUT_BASELINE:-}
  openapi=${INPUT_OPENAPI:-}
  sarif=${INPUT_SARIF:-ratewarden.sarif}

  if [[ -z $url ]]; then usage "input \`url\` is missing"; fi
  one_line url "$url"
  one_of depth "$depth" quick standard deep
  one_of fail-on-severity "$fail_on_severity" "" critical high medium low info
  if [[ -n $fail_under && ! $fail_under =~ ^(100|[0-9]{1,2})$ ]]; then
    usage "input \`fail-under\` is \`$fail_under\`; expected a whole number from 0 to 100"
  fi
  one_line baseline "$baseline"
  one_line openapi "$openapi"
  one_line sarif "$sarif"
  case $sarif in
    *.sarif) ;;
    *) usage "input \`sarif\` is \`$sarif\`; expected a path that ends in .sarif" ;;
  esac
  json=${sarif%.sarif}.json
  refuse_overwriting baseline "$baseline"
  refuse_overwriting openapi "$openapi"
}

# Sets `arguments`. Values stand behind `=` or after `--`, so none can be taken for an option. Headers are secrets, and
# arguments can be read by every user of the machine: the scan takes RATEWARDEN_HEADERS from the environment itself.
build_arguments() {
  arguments=(scan --format json --depth="$depth")
  arguments+=(-o "$scratch/report.json" -o "$scratch/report.sarif" -o "$scratch/summary.md")
  if [[ -n $fail_on_severity ]]; then arguments+=(--fail-on-severity="$fail_on_severity"); fi
  if [[ -n $fail_under ]]; then arguments+=(--fail-under="$fail_under"); fi
  if [[ -n $baseline ]]; then arguments+=(--baseline="$(in_workspace "$baseline")"); fi
  case $openapi in
    '') ;;
    http://* | https://*) arguments+=(--openapi="$openapi") ;;
    *) arguments+=(--openapi="$(in_workspace "$openapi")") ;;
  esac
  arguments+=(-- "$url")
}

# The first value of this name and form in the report.
first_field() {
  local found
  found=$(grep -Eo "(^|[{,[:space:]])\"$1\"[[:space:]]*:[[:space:]]*$2" "$scratch/report.json" | head -n 1) || true
  printf '%s' "${found##*[: ]}"
}

# Sets `score` and `grade`, both checked: the file tells what a server on the other side has a part in.
read_report() {
  local report=$scratch/report.json
  if command -v jq >/dev/null; then
    score=$(jq -r '.score' "$report")
    grade=$(jq -r '.grade' "$report")
  else
    # Inside a JSON string the quotes are escaped, so `,"score":` can only be the field; the first one is the total.
    score=$(first_field score '[0-9]+')
    grade=$(first_field grade '"[A-F]"')
    grade=${grade//\"/}
  fi
  [[ $score =~ ^(100|[0-9]{1,2})$ && $grade =~ ^[A-F]$ ]]
}

write_outputs() {
  mkdir -p -- "$(dirname -- "$(in_workspace "$sarif")")"
  cp -- "$scratch/report.json" "$(in_workspace "$json")"
  cp -- "$scratch/report.sarif" "$(in_workspace "$sarif")"
  {
    printf 'score=%s\n' "$score"
    printf 'grade=%s\n' "$grade"
    printf 'sarif=%s\n' "$sarif"
    printf 'json=%s\n' "$json"
  } >>"${GITHUB_OUTPUT:-/dev/stdout}"
  if [[ -n ${GITHUB_STEP_SUMMARY:-} && -s $scratch/summary.md ]]; then
    # The runner drops a summary of more than 1 MiB as a whole.
    head -c 1000000 "$scratch/summary.md" >>"$GITHUB_STEP_SUMMARY"
  fi
}

# Runs the scan and sets `status`. What a server wrote may stand in the messages, so while they are printed the runner
# takes no commands from them.
run_scan() {
  status=0
  export RATEWARDEN_HEADERS=${RATEWARDEN_HEADERS:-}
  "$binary" "${arguments[@]}" >"$scratch/stdout" 2>"$scratch/stderr" || status=$?
  local token
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$token"
  cat "$scratch/stderr"
  printf '\n::%s::\n' "$token"
}

first_error() {
  local message
  message=$(grep -m 1 '^error:' "$scratch/stderr") || message="error: the scan ended with exit code $status"
  local hint
  hint=$(grep -m 1 '^hint:' "$scratch/stderr") || hint=
  printf '%s%s' "${message#error: }" "${hint:+$'\n'$hint}"
}

main() {
  workspace=${GITHUB_WORKSPACE:-$PWD}
  scratch=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/ratewarden.XXXXXX")
  trap 'rm -rf -- "$scratch"' EXIT
  check_inputs
  find_binary
  build_arguments
  cd -- "$workspace"
  run_scan

  local reported=false
  if [[ -s $scratch/report.json && -s $scratch/report.sarif ]] && read_report; then
    reported=true
    write_outputs
    printf 'Ratewarden: score %s (%s)\n' "$score" "$grade"
  fi
  case $status in
    0) if ! $reported; then annotate "the scan wrote no report that can be read"; exit 3; fi ;;
    1) annotate "the gate does not hold: score ${score:-unknown}${grade:+ ($grade)}; see the summary of this step" ;;
    130) annotate "the scan was interrupted" ;;
    *) annotate "$(first_error)" ;;
  esac
  exit "$status"
}

main
