-- Calls of many callers, one after another: the value of x-api-key runs through a number of keys of 24 characters.
-- Arguments: how many keys, which to begin with, and `census` to count every status. Counting costs wrk about a
-- microsecond a call, so a measurement does without and relies on wrk's own count of failures.

local FORM = "GET %s HTTP/1.1\r\nHost: %s\r\nx-api-key: key-%020d\r\n\r\n"
-- Ready-made requests up to this many; beyond it they are written one by one, as LuaJIT's memory is small.
local KEPT = 100000

local ready = {}
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  keys = tonumber(args[1])
  at = tonumber(args[2])
  statuses = {}
  if keys <= KEPT then
    for key = 1, keys do
      ready[key] = string.format(FORM, wrk.path, wrk.host, key)
    end
  end
  if args[3] == "census" then
    response = function(status)
      statuses[status] = (statuses[status] or 0) + 1
    end
  end
end

function request()
  at = at % keys + 1
  return ready[at] or string.format(FORM, wrk.path, wrk.host, at)
end

function done(summary, latency)
  -- Another state than the thread's own, so its globals are asked for.
  local thread = threads[1]
  local counted = {}
  for status, count in pairs(thread:get("statuses")) do
    table.insert(counted, string.format('"%d":%d', status, count))
  end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"refused":%d,"broken":%d,"p50_micros":%d,"p99_micros":%d,"next":%d,"statuses":{%s}}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), thread:get("at"), table.concat(counted, ",")))
end
