//! A part of the page that is measured anew changes nothing of what the others say.

use crate::{
    cells::{Cell, Place, auto, latency},
    report::{
        cells::Measured,
        page::page,
        parts::{PARTS, Stamp, Told},
    },
    simulation::{judged::Outcome, release::Release, tally::Tally},
};

fn cell(kind: &'static str, reverted: Option<usize>) -> Cell {
    let mut tally = Tally::default();
    tally.add(Outcome { reverted, passed: None }, 0);
    Cell {
        place: Place {
            kind,
            world: "real, gone after 2 min".to_owned(),
            requests: 200.0,
            bad: 0.005,
        },
        release: Release::times(1.0),
        judge: auto::judge("24 h", "tolerance 1"),
        tally,
    }
}

fn told(part: usize, date: &str, measured: &Measured) -> Told {
    let part = &PARTS[part];
    let stamp = Stamp {
        date: date.to_owned(),
        judge: "7ee3fd6".to_owned(),
        rollouts: measured.rollouts(part.kinds),
        duration: "1 min 2 s".to_owned(),
        machine: "a machine × 2 threads".to_owned(),
    };
    part.told(measured, &(part.promises)(measured), stamp)
}

#[test]
fn what_was_not_measured_anew_stays_and_says_when_it_was() {
    let [first, second] = [None, Some(7)].map(|reverted| Measured::new(vec![cell(auto::KIND, reverted)]));
    let before = page("", &[0, 1, 2, 3].map(|part| told(part, "2026-11-29", &first)), 1);
    let after = page(&before, &[told(1, "2026-12-24", &second)], 1);
    let parts = [
        told(0, "2026-11-29", &first),
        told(1, "2026-12-24", &second),
        told(2, "2026-11-29", &first),
        told(3, "2026-11-29", &first),
    ];
    assert_eq!(after, page("", &parts, 1));
    assert_ne!(after, before);
    assert_eq!(Told::read(&after), parts);
    let row = "| 24 h of history, *real, gone after 2 min*: at most 1.5 % |";
    assert!(
        before.contains(&format!("{row} 0 % ")) && after.contains(&format!("{row} 100 % ")),
        "{after}"
    );
}

#[test]
fn the_score_is_that_of_all_parts() {
    let measured = Measured::new(vec![cell(auto::KIND, None)]);
    let all = [0, 1, 2, 3].map(|part| told(part, "2026-11-29", &measured));
    let [kept, within, broken] = all
        .iter()
        .map(Told::score)
        .fold([0; 3], |sum, score| std::array::from_fn(|i| sum[i] + score[i]));
    assert_eq!((kept, within), (1, 0), "one cell was measured, and it kept its promise");
    let line = format!(
        "**Of {} numbers that are promised, 1 are kept, 0 lie beyond by less than chance explains, {broken} are broken.**",
        broken + 1
    );
    assert!(page("", &all, 1).contains(&line), "{line}");
}

#[test]
fn cells_of_other_kinds_keep_their_lines_and_their_order() {
    let [old, new] =
        [None, Some(7)].map(|reverted| Measured::new(vec![cell(auto::KIND, reverted), cell("beside", reverted)]).csv(""));
    let native = Measured::new(vec![cell(latency::NATIVE, None)]).csv(&old);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&native)[..3], lines(&old));
    assert!(lines(&old)[1].starts_with("beside") && lines(&native)[3].starts_with("native"));
    let again = Measured::new(vec![cell(auto::KIND, Some(7))]).csv(&native);
    assert_eq!([&lines(&again)[1], &lines(&again)[2]], [&lines(&old)[1], &lines(&new)[2]]);
}
