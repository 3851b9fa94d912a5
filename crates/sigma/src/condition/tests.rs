use proptest::prelude::*;
use ratewarden_detect::Predicate as _;
use ratewarden_model::Call;

use super::*;
use crate::field::Field;
use crate::question::Sign;

const NAMES: [&str; 5] = ["sel_a", "sel_b", "filter_a", "filter", "_hidden"];

/// Each selection asks whether one bit of the status is set, so that a call can be made for each combination.
fn selections() -> Vec<(String, Arc<Question>)> {
    let bit = |place: usize| {
        let statuses = (1..=32_u16).filter(|status| (status - 1) >> place & 1 == 1);
        Question::any(
            statuses.map(|status| Question::Number(Field::Status, Sign::Equal, status.into())).collect(),
        )
    };
    NAMES.iter().enumerate().map(|(place, name)| ((*name).to_owned(), Arc::new(bit(place)))).collect()
}

fn call(bits: u16) -> Call<'static> {
    Call { status: bits + 1, ..Call::at(0) }
}

#[derive(Debug, Clone)]
enum Slow {
    One(usize),
    Of(bool, &'static str),
    Not(Box<Slow>),
    And(Box<Slow>, Box<Slow>),
    Or(Box<Slow>, Box<Slow>),
}

impl Slow {
    fn text(&self) -> String {
        match self {
            Self::One(place) => NAMES[*place].to_owned(),
            Self::Of(all, what) => format!("{} of {what}", if *all { "all" } else { "1" }),
            Self::Not(one) => format!("not ({})", one.text()),
            Self::And(one, other) => format!("({}) AND {}", one.text(), other.wrapped()),
            Self::Or(one, other) => format!("{} or {}", one.text(), other.text()),
        }
    }

    fn wrapped(&self) -> String {
        if matches!(self, Self::Or(..) | Self::And(..)) {
            format!("( {} )", self.text())
        } else {
            self.text()
        }
    }

    fn holds(&self, bits: u16) -> bool {
        let bit = |place: &usize| bits >> place & 1 == 1;
        match self {
            Self::One(place) => bit(place),
            Self::Of(all, what) => {
                let places: &[usize] = match *what {
                    "them" => &[0, 1, 2, 3],
                    "sel_*" => &[0, 1],
                    _ => &[2, 3],
                };
                if *all { places.iter().all(bit) } else { places.iter().any(bit) }
            }
            Self::Not(one) => !one.holds(bits),
            Self::And(one, other) => one.holds(bits) && other.holds(bits),
            Self::Or(one, other) => one.holds(bits) || other.holds(bits),
        }
    }
}

fn any_condition() -> impl Strategy<Value = Slow> {
    let leaf = prop_oneof![
        (0..NAMES.len()).prop_map(Slow::One),
        (any::<bool>(), proptest::sample::select(vec!["them", "sel_*", "filter*"]))
            .prop_map(|(all, what)| Slow::Of(all, what)),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let two = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            inner.prop_map(|one| Slow::Not(Box::new(one))),
            two.clone().prop_map(|(one, other)| Slow::And(one, other)),
            two.prop_map(|(one, other)| Slow::Or(one, other)),
        ]
    })
}

proptest! {
    #[test]
    fn a_condition_holds_when_its_tree_does(slow in any_condition()) {
        let question = read(&slow.text(), &selections()).unwrap();
        for bits in 0..32 {
            prop_assert_eq!(question.holds(&call(bits), &call(bits)), slow.holds(bits), "{} {}", slow.text(), bits);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(sel_a|sel_b|and|or|not|1 of|all of|them|\\(|\\)|\\*|x| ){0,20}") {
        let _ = read(&text, &selections());
    }
}

#[test]
fn what_is_no_condition_is_refused_with_its_reason() {
    for (text, why) in [
        ("", "missing at its end"),
        ("sel_a and", "missing at its end"),
        ("(sel_a", "a `)` is missing"),
        ("sel_a sel_b", "`sel_b` stands where"),
        ("sel_c", "no selection `sel_c`"),
        ("1 of x*", "no selection `x*`"),
        ("2 of them", "`2 of` is none of"),
        ("all of", "nothing behind it"),
        ("sel_a | count() by c-ip > 5", "a correlation rule says it"),
    ] {
        let fault = read(text, &selections()).unwrap_err();
        assert!(fault.why.contains(why), "{text}: {}", fault.why);
    }
    let deep = format!("{}sel_a{}", "(".repeat(40), ")".repeat(40));
    assert!(read(&deep, &selections()).unwrap_err().why.contains("deeper"));
    assert!(read(&format!("{}sel_a", "not ".repeat(40)), &selections()).is_err());
}
