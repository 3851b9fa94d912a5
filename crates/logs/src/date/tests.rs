use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

use super::*;

fn dates() -> Dates {
    Dates::new(Some(2026), 0)
}

proptest! {
    #[test]
    fn a_printed_moment_is_read_as_the_calendar_says(
        secs in -62_000_000_000_i64..253_000_000_000, minutes in -1439_i32..1440, millis in 0..1000_i64,
    ) {
        let zone = TimeZone::fixed(Offset::from_seconds(minutes * 60).unwrap());
        let at = Timestamp::from_second(secs).unwrap().to_zoned_datetime(zone);
        let clf = at.strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
        let mut dates = dates();
        prop_assert_eq!(dates.any(clf.as_bytes()), Ok(secs * 1000), "{}", clf);
        prop_assert_eq!(dates.any(clf.as_bytes()), Ok(secs * 1000), "again, as remembered");
        for form in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S"] {
            let text = format!("{}.{millis:03}999{}", at.strftime(form), at.strftime("%:z"));
            prop_assert_eq!(dates.any(text.as_bytes()), Ok(secs * 1000 + millis), "{}", text);
            prop_assert_eq!(dates.any(text.as_bytes()), Ok(secs * 1000 + millis), "again, as remembered");
        }
    }

    #[test]
    fn any_bytes_are_a_date_or_none(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = dates().any(&text);
    }

    #[test]
    fn a_number_is_a_date_by_its_size(secs in 0..100_000_000_000_i64) {
        let mut dates = dates();
        prop_assert_eq!(dates.any(secs.to_string().as_bytes()), Ok(secs * 1000));
        prop_assert_eq!(dates.any(format!("{secs}.5").as_bytes()), Ok(secs * 1000 + 500));
        if secs >= 100_000_000 {
            prop_assert_eq!(dates.any((secs * 1000 + 7).to_string().as_bytes()), Ok(secs * 1000 + 7));
        }
        if (100_000_000..9_000_000_000).contains(&secs) {
            prop_assert_eq!(dates.any((secs * 1_000_000 + 7).to_string().as_bytes()), Ok(secs * 1000));
        }
    }
}

#[test]
fn dates_that_do_not_exist_are_faults() {
    for text in [
        "32/Nov/2026:01:02:03 +0000",
        "28/Foo/2026:01:02:03 +0000",
        "29/Feb/2026:01:02:03 +0000",
        "28/Nov/2026:24:02:03 +0000",
        "28/Nov/2026:01:60:03 +0000",
        "28/Nov/2026:01:02:61 +0000",
        "28/Nov/2026:01:02:03 +2500",
        "28/Nov/2026:01:02:03 0000",
        "28/Nov/2026:01:02:03 +00x0",
        "00/Nov/2026:01:02:03 +0000",
        "2026-13-01T00:00:00Z",
        "2026-11/01T00:00:00Z",
        "2026-11-01T00:00:00Q",
        "2026-11-01T00:00:00.",
        "2026-11-01",
        "Nov 31 01:02:03",
        "",
        "-",
        "x",
        "1e99",
    ] {
        assert_eq!(dates().any(text.as_bytes()), Err(Fault::Date), "{text}");
    }
}

#[test]
fn a_leap_second_is_the_next_minute_and_odd_years_are_years() {
    let mut dates = dates();
    let next = dates.any(b"01/Jan/2017:00:00:00 +0000");
    assert_eq!(dates.any(b"31/Dec/2016:23:59:60 +0000"), next);
    assert_eq!(dates.any(b"2016-12-31T23:59:60Z"), next);
    assert_eq!(dates.any(b"01/Jan/0000:00:00:00 +0000"), Ok(-62_167_219_200_000));
    assert_eq!(dates.any(b"31/Dec/9999:23:59:59 +0000"), Ok(253_402_300_799_000));
    assert_eq!(dates.any(b"2000-02-29T00:00:00Z"), Ok(951_782_400_000));
}

#[test]
fn what_is_remembered_before_the_first_date_is_true() {
    assert_eq!(dates().clf(&[0; 26]), Err(Fault::Date));
    assert_eq!(dates().iso(&[0; 19]), Err(Fault::Date));
    assert_eq!(dates().any(b"01/Jan/1970:00:00:00 +0000"), Ok(0));
    assert_eq!(dates().any(b"1970-01-01T00:00:00Z"), Ok(0));
}

#[test]
fn what_a_date_leaves_out_is_an_argument() {
    let at = dates().any(b"2026-11-28T01:02:03Z").unwrap();
    let mut local = Dates::new(Some(2026), 3600);
    assert_eq!(local.any(b"2026/11/28 02:02:03"), Ok(at));
    assert_eq!(local.any(b"Nov 28 02:02:03"), Ok(at));
    assert_eq!(local.any(b"28/Nov/2026:02:02:03.250"), Ok(at + 250));
    assert_eq!(local.any(b"2026-11-28 01:02:03,250Z"), Ok(at + 250));
    assert_eq!(dates().any(b"Nov  8 00:00:00"), dates().any(b"2026-11-08T00:00:00Z"));
    assert_eq!(Dates::new(None, 0).any(b"Nov 28 01:02:03"), Err(Fault::Year));
}
