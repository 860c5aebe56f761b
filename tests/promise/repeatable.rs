//! What is published can be made again: the same numbers on any number of threads, other numbers of another seed.

use crate::{
    bounds::SERVICE,
    cells::{Cell, Scenario, beside::Beside, measure},
    simulation::{
        noise::{ALL, Also},
        release::Release,
    },
};

fn cells(seed: u64, threads: usize) -> Vec<Cell> {
    let scenario = |also: Also| -> Box<dyn Scenario> {
        let noise = *ALL.iter().find(|noise| noise.also == also).expect("a noise");
        Box::new(Beside {
            seed,
            noise,
            service: SERVICE,
            releases: vec![(Release::times(3.0), 3), (Release::late(3.0, 10), 2)],
            in_full: true,
            peers: 2,
        })
    };
    measure(&[scenario(Also::Nothing), scenario(Also::Retries)], threads, |_, _| {})
}

#[test]
fn threads_change_nothing_and_the_seed_everything() {
    let one = cells(1, 1);
    assert_eq!(one, cells(1, 3));
    assert_ne!(one, cells(2, 1));
    // Two scenarios of two releases; three ways to be judged, and seven peers.
    assert_eq!(one.len(), 2 * 2 * 10);
    assert!(one.iter().all(|cell| cell.tally.rollouts >= 2));
}
