//! Whole watches over a real Prometheus: what they say when data go missing, and that history alone decides what they find.

use std::time::Duration;

use lastgood::{
    app::watch::{Progress, Watch, prepare},
    engine::Stage,
    judge::Comparison,
    policy::{Arms, MetricKind, StepSetting},
    record::{ArmPod, TargetHistory},
    words::{Arm, GapReason, Pod, Verdict},
};

use crate::{
    rig::{Exporter, Page, SCRAPE, Server, now},
    rollout::{faults, follow, judged, latency, policy, record, replay, rolled_out, watch},
};

fn convicts_nobody(progress: &[Progress]) {
    for evidence in judged(progress) {
        assert_ne!(evidence.verdict, Some(Verdict::Regression), "{evidence:?}");
    }
}

#[tokio::test]
async fn p13_prometheus_away_is_blindness_and_history_gives_the_same_evidence_to_the_last_bit() {
    let exporter = Exporter::serve(Page {
        traffic: [40, 1],
        ..Page::new()
    })
    .await;
    let mut server = Server::start(&[("p13", &exporter)]).await;
    let mut policy = policy("p13");
    policy.watch.step = StepSetting::Auto;
    let (mut record, prepared) = rolled_out(&server, &exporter, &policy).await;
    assert_eq!(prepared.plan.step, SCRAPE, "the step is the scrape interval, learnt");
    assert_eq!(prepared.plan.steps, 600);
    assert_eq!(prepared.plan.compare, Comparison::BeforeAfter);

    let source = server.source();
    let mut live = watch(&mut record, &prepared);
    let mut progress = follow(&mut live, &source, now().plus(SCRAPE * 4)).await;
    assert_eq!(faults(&progress), []);
    let seen = live.evidence();

    server.kill();
    let blind = loop {
        let blind = live.advance(&source, now()).await;
        if !blind.is_empty() {
            break blind;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let fault = faults(&blind).remove(0).expect("a fault");
    assert_eq!(fault.reason, GapReason::QueryFailed);
    assert!(fault.because.contains("refused"), "{fault:?}");
    assert!(judged(&blind).iter().all(|evidence| evidence.at <= fault.since));
    assert!(
        live.evidence().at.since(seen.at) <= SCRAPE * 2,
        "the cursor passes nothing that was not answered"
    );
    progress.extend(blind);

    server.restart().await;
    exporter.scraped(4).await;
    progress.extend(follow(&mut live, &source, now().plus(SCRAPE * 6)).await);
    assert_eq!(
        faults(&progress).last(),
        Some(&None),
        "it sees again: {:?}",
        faults(&progress)
    );
    convicts_nobody(&progress);

    let live = judged(&progress);
    let half = live[live.len() / 2].at;
    let until = live[live.len() - 1].at;
    let replayed = replay(&mut record, &prepared, &source, &[until]).await;
    assert_eq!(replayed, live);
    let twice = replay(&mut record, &prepared, &source, &[half, until]).await;
    assert_eq!(twice, live);
}

#[tokio::test]
async fn p06_samples_that_stand_still_are_no_samples() {
    let stamping = Page {
        stamps: true,
        ..Page::new()
    };
    let (mute, frozen) = (Exporter::serve(Page::new()).await, Exporter::serve(stamping).await);
    let server = Server::start(&[("mute", &mute), ("frozen", &frozen)]).await;
    let source = server.source();
    let (one, two) = (policy("mute"), policy("frozen"));
    let (one, two) = futures::join!(rolled_out(&server, &mute, &one), rolled_out(&server, &frozen, &two));
    let mut watches = [one, two].map(|(mut record, prepared)| watch(&mut record, &prepared));
    let follow_both = async |watches: &mut [Watch; 2], steps: u32| {
        let until = now().plus(SCRAPE * steps);
        let [one, two] = watches;
        let (one, two) = futures::join!(follow(one, &source, until), follow(two, &source, until));
        convicts_nobody(&one);
        convicts_nobody(&two);
        [faults(&one), faults(&two)]
    };
    assert_eq!(follow_both(&mut watches, 2).await, [[], []]);
    mute.page().mute = true;
    frozen.page().frozen = Some(now());
    for (mut faults, reason) in follow_both(&mut watches, 6)
        .await
        .into_iter()
        .zip([GapReason::NoData, GapReason::Stale])
    {
        let fault = faults.remove(0).expect("a fault");
        assert_eq!(fault.reason, reason, "{fault:?}");
        assert!(fault.query.is_some());
    }
    mute.page().mute = false;
    frozen.page().frozen = None;
    for faults in follow_both(&mut watches, 5).await {
        assert_eq!(faults.last(), Some(&None), "it sees again");
    }
}

#[tokio::test]
async fn p01_the_query_that_is_empty_is_named() {
    let exporter = Exporter::serve(Page::new()).await;
    let server = Server::start(&[("p01", &exporter)]).await;
    let source = server.source();
    exporter.scraped(2).await;
    let typo = {
        let mut typo = policy("p1o");
        typo.watch.step = StepSetting::Auto;
        typo
    };
    let mut rollout = record(&typo, now(), false);
    let nothing = TargetHistory::new(typo.key());
    let fault = prepare(&source, &typo, &nothing, &rollout, now())
        .await
        .expect_err("no step to learn");
    assert_eq!(fault.reason, GapReason::NoData);
    assert!(
        fault
            .query
            .is_some_and(|query| query.contains(r#"requests_total{job="p1o"}"#))
    );

    rollout.policy = policy("p1o");
    let prepared = prepare(&source, &rollout.policy, &nothing, &rollout, now())
        .await
        .expect("a fixed step needs no data");
    let mut watch = watch(&mut rollout, &prepared);
    let progress = follow(&mut watch, &source, now().plus(SCRAPE * 3)).await;
    let fault = faults(&progress).remove(0).expect("a fault");
    assert_eq!(fault.reason, GapReason::NoData);
    assert!(fault.because.contains("metric `errors`: its query is empty"), "{fault:?}");
    assert!(
        fault
            .query
            .is_some_and(|query| query.contains(r#"requests_total{job="p1o"}"#))
    );
    assert_eq!(watch.evidence().used, 0);
    convicts_nobody(&progress);
}

#[tokio::test]
async fn p01_of_several_metrics_the_one_whose_query_fails_is_named() {
    let exporter = Exporter::serve(Page::new()).await;
    let server = Server::start(&[("guilty", &exporter)]).await;
    let mut policy = policy("guilty");
    policy.metrics.push(latency("guilty"));
    if let MetricKind::Ratio(ratio) = &mut policy.metrics[0].kind {
        ratio.bad = "requests_total{code=~\"(\"}".to_owned();
    }
    let source = server.source();
    exporter.scraped(1).await;
    let mut rollout = record(&policy, now(), false);
    let nothing = TargetHistory::new(policy.key());
    let prepared = prepare(&source, &policy, &nothing, &rollout, now())
        .await
        .expect("nothing is asked yet");
    let mut watch = watch(&mut rollout, &prepared);
    let next = watch.next_at();
    let progress = watch.advance(&source, next.max(now())).await;
    let fault = faults(&progress).remove(0).expect("a fault");
    assert_eq!(fault.reason, GapReason::QueryFailed);
    assert!(fault.because.starts_with("metric `errors`: "), "{fault:?}");
    assert!(fault.because.contains("check the query in the policy"), "{fault:?}");
    assert_eq!(fault.query, Some(prepared.queries[..2].join(" or ")));
    assert!(watch.next_at() > next, "it is not asked again at once");
}

#[tokio::test]
async fn p02_without_a_baseline_nothing_is_compared_and_nobody_convicted() {
    let exporter = Exporter::serve(Page {
        traffic: [10, 10],
        ..Page::new()
    })
    .await;
    let server = Server::start(&[("p02", &exporter)]).await;
    let policy = policy("p02");
    let source = server.source();
    exporter.scraped(3).await;
    let mut record = record(&policy, now(), false);
    let nothing = TargetHistory::new(policy.key());
    let prepared = prepare(&source, &policy, &nothing, &record, now()).await.expect("prepared");
    assert_eq!(prepared.plan.compare, Comparison::None);
    let mut watch = watch(&mut record, &prepared);
    let progress = follow(&mut watch, &source, now().plus(SCRAPE * 5)).await;
    assert!(watch.evidence().steps >= 4);
    convicts_nobody(&progress);
}

#[tokio::test]
async fn p19_one_error_in_two_requests_convicts_nobody() {
    let exporter = Exporter::serve(Page {
        traffic: [5, 0],
        ..Page::new()
    })
    .await;
    let server = Server::start(&[("p19", &exporter)]).await;
    let policy = policy("p19");
    let source = server.source();
    let (mut record, prepared) = rolled_out(&server, &exporter, &policy).await;
    exporter.page().traffic = [1, 1];
    exporter.scraped(1).await;
    exporter.page().traffic = [0, 0];
    let mut watch = watch(&mut record, &prepared);
    let progress = follow(&mut watch, &source, now().plus(SCRAPE * 4)).await;
    assert!(!judged(&progress).is_empty());
    convicts_nobody(&progress);
}

#[tokio::test]
async fn a_verification_watches_what_was_put_back_from_the_act_on() {
    use lastgood::record::{ActResult, Entry, Happened};
    let exporter = Exporter::serve(Page::new()).await;
    let server = Server::start(&[("verify", &exporter)]).await;
    let policy = policy("verify");
    let (mut record, prepared) = rolled_out(&server, &exporter, &policy).await;
    let moved_at = now();
    exporter.page().restart();
    let activated_at = now();
    record.timeline.push(Entry {
        at: activated_at,
        what: Happened::Acted {
            result: ActResult::Applied {
                moved_at,
                activated_at,
                detail: String::new(),
            },
        },
    });
    drop(watch(&mut record, &prepared));
    let mut watch = Watch::resume(&record, Stage::Verification).expect("a watch");
    assert_eq!(watch.begins(), moved_at);
    let progress = follow(&mut watch, &server.source(), now().plus(SCRAPE * 4)).await;
    assert!(judged(&progress).iter().all(|evidence| evidence.at > moved_at));
    assert_eq!(faults(&progress), []);

    // In a cluster, pods that were never replaced served long before.
    record.policy.arms = Arms::Pod {
        pod_label: "pod".to_owned(),
        namespace_label: "namespace".to_owned(),
    };
    let before = moved_at.minus(Duration::from_secs(3600));
    record.pods = vec![ArmPod {
        pod: Pod("shop/verify-0".into()),
        uid: "1".to_owned(),
        arm: Arm::Candidate,
        created_at: before,
        ready_at: Some(before),
        gone_at: None,
    }];
    let watch = Watch::resume(&record, Stage::Verification).expect("a watch");
    assert_eq!(watch.begins(), moved_at);
}
