//! Stories are told side by side, as most of each is waiting; so many at once as two cores bear.

use futures::future::LocalBoxFuture;
use serde_json::Value;
use tokio::task::{LocalSet, spawn_local};

use crate::{
    account::forbidden, applies, costs, deployments, faults, going_on, gone, holding, kinds, marks, people, plane::shared,
    releases, startup, written::template_changes,
};

/// Tells stories; the test fails with all that fail, by their names.
async fn told<const N: usize>(stories: [(&'static str, LocalBoxFuture<'static, ()>); N]) {
    let all = async {
        let told = stories.map(|(name, story)| (name, spawn_local(story)));
        let mut failed = Vec::new();
        for (name, story) in told {
            if story.await.is_err() {
                failed.push(name);
            }
        }
        failed
    };
    let failed = LocalSet::new().run_until(all).await;
    if let Some(plane) = shared().await {
        assert_eq!(forbidden(&plane), Vec::<Value>::new(), "the shipped role is enough");
        println!("lastgood changed templates: {:?}", template_changes(&plane));
    }
    costs::write();
    assert!(failed.is_empty(), "failed: {failed:?}; see above");
}

macro_rules! together {
    ($test:ident: $($room:ident::$story:ident),+ $(,)?) => {
        #[tokio::test]
        async fn $test() {
            told([$((stringify!($story), Box::pin($room::$story()) as LocalBoxFuture<'static, ()>)),+]).await;
        }
    };
}

together!(of_deployments_and_other_kinds:
    deployments::k25_a_release_with_errors_is_convicted_beside_the_old_pods_and_the_template_is_put_back,
    deployments::a_good_release_is_proven_and_left_alone,
    deployments::a_good_release_is_left_alone_by_the_defaults,
    kinds::a_statefulset_is_judged_by_its_pods_though_they_keep_their_names_and_put_back,
    kinds::a_pod_of_a_statefulset_that_never_starts_blocks_the_way_back_and_the_command_to_type_is_told,
    applies::a_client_side_apply_after_a_revert_meets_no_conflict,
    applies::a_server_side_apply_after_a_revert_meets_no_conflict,
    applies::k15_a_workload_of_argo_cd_is_told_about_with_the_step_to_take_and_left_alone,
    applies::k15_a_workload_of_flux_is_told_about_with_the_step_to_take_and_left_alone,
    applies::k15_a_workload_of_an_operator_is_told_about_with_its_owner_to_edit_and_left_alone,
    kinds::a_daemonset_is_judged_by_its_pods_and_put_back,
);
together!(of_faults_and_what_a_bad_release_costs:
    faults::k07_k08_metrics_are_judged_while_the_api_server_is_away_and_a_revert_whose_answer_is_lost_is_made_once,
    deployments::a_release_with_five_percent_of_errors_costs_less_than_where_nobody_guards,
    deployments::k30_a_version_that_is_bad_too_when_it_is_back_is_told_and_nothing_moves_again,
    deployments::a_slow_release_is_convicted_by_its_latency_and_put_back,
    startup::k24_a_crash_loop_is_put_back,
    startup::k24_a_release_that_is_never_ready_is_put_back_after_its_own_deadline,
);
together!(of_people_and_a_missing_image:
    people::k13_a_newer_release_of_a_person_wins_over_the_one_that_is_judged,
    people::k14_a_persons_undo_is_a_return_and_not_judged,
    people::a_person_goes_back_by_one_command_and_is_not_judged,
    people::k22_a_restart_is_no_release_and_a_changed_variable_is_one_that_is_restored_whole,
    people::k16_a_scaler_at_five_hertz_keeps_its_replicas_through_a_revert,
    gone::k11_a_deployment_deleted_in_mid_watch_ends_its_rollout_and_keeps_what_is_known,
    startup::k24_an_image_that_does_not_exist_is_put_back_and_one_that_cannot_be_fetched_now_is_told,
    startup::k20_a_version_whose_settings_are_gone_is_put_back_has_failed_and_nothing_is_moved_again,
    startup::k19_a_version_whose_image_is_gone_is_put_back_has_failed_and_nothing_is_moved_again,
    startup::a_quota_that_allows_no_new_pod_is_told_until_it_does_and_convicts_nobody,
    startup::a_node_that_is_not_there_and_a_volume_that_nobody_made_are_told_and_convict_nobody,
);
together!(of_releases:
    marks::k19_what_is_stable_follows_the_digests_that_pods_ran_and_nothing_goes_back_to_an_image_that_is_gone,
    releases::a_version_without_a_kept_template_goes_back_by_its_recorded_image_alone,
    releases::what_a_person_is_shown_in_mid_rollout_is_of_the_new_pods_alone,
    releases::a_recorded_release_is_deployed_by_its_digest_and_waited_for_and_a_failed_smoke_test_needs_a_word,
);
together!(of_holds:
    holding::a_bad_release_never_gets_more_than_its_held_pods_and_goes_back_and_on_in_one_write,
    holding::a_good_release_is_held_goes_on_and_is_proven,
    holding::k17_what_a_person_paused_stays_paused,
    holding::a_persons_resume_is_final,
    holding::a_persons_word_lets_it_go_on,
    holding::k13_a_newer_release_behind_a_hold_is_rolled_out_and_held_itself,
    holding::the_next_lastgood_goes_on_with_what_the_one_that_was_killed_held,
    holding::a_policy_that_is_gone_holds_nothing,
    holding::a_statefulset_is_held_by_its_partition_and_put_back,
    going_on::a_hold_that_finds_nothing_out_goes_on_after_its_time_and_says_so,
    going_on::a_partition_of_a_persons_own_is_never_moved_and_the_pods_above_it_are_judged,
);
