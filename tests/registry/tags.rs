//! What is asked of a registry that everyone may enter.

use lastgood::{
    ports::{ImageFault, Images as _, Kept},
    record::MarkResult,
    registry::Options,
};

use crate::rig::{Shelf, free_address};

#[tokio::test]
async fn a_tag_is_moved_to_the_same_manifest_byte_for_byte_and_back_only_while_it_is_ours() {
    let shelf = Shelf::new();
    let registry = shelf.open().await;
    let [v1, v2] = [
        registry.push("shop/myapp", Some("v1"), "one").await,
        registry.push("shop/myapp", Some("v2"), "two").await,
    ];
    let door = registry.door(Options::default());
    assert_eq!(door.tag(&v1, "stable", None).await, Ok(MarkResult::Moved { from: None }));
    assert_eq!(
        registry.manifest("shop/myapp", "stable").await,
        registry.manifest("shop/myapp", "v1").await
    );
    assert_eq!(door.tag(&v1, "stable", None).await, Ok(MarkResult::Already));
    let from = Some(v1.digest().to_owned());
    assert_eq!(door.tag(&v2, "stable", None).await, Ok(MarkResult::Moved { from }));
    // The proof of v2 is withdrawn.
    let from = Some(v2.digest().to_owned());
    assert_eq!(
        door.tag(&v1, "stable", Some(v2.digest())).await,
        Ok(MarkResult::Moved { from })
    );
    assert_eq!(registry.digest("shop/myapp", "stable").await, v1.digest());
    // A person moves it meanwhile: it stays as they left it.
    let theirs = registry.push("shop/myapp", Some("stable"), "theirs").await;
    let found = Some(theirs.digest().to_owned());
    assert_eq!(
        door.tag(&v1, "stable", Some(v2.digest())).await,
        Ok(MarkResult::Theirs { found })
    );
    assert_eq!(registry.digest("shop/myapp", "stable").await, theirs.digest());
}

#[tokio::test]
async fn a_tag_is_moved_to_an_image_for_several_platforms_as_a_whole() {
    let shelf = Shelf::new();
    let registry = shelf.open().await;
    let one = registry.push("myapp", None, "amd64").await;
    let other = registry.push("myapp", None, "arm64").await;
    let index = registry.push_index("myapp", "v1", &[&one, &other]).await;
    let door = registry.door(Options::default());
    assert_eq!(door.tag(&index, "stable", None).await, Ok(MarkResult::Moved { from: None }));
    assert_eq!(
        registry.manifest("myapp", "stable").await,
        registry.manifest("myapp", "v1").await
    );
    assert_eq!(registry.digest("myapp", "stable").await, index.digest());
    // A runtime may tell the digest of its own platform's image: its tag means it all the same.
    let name = format!("{}/myapp:v1", registry.name());
    let own = lastgood::manifest::ImageReference::of(&name, other.digest()).expect("an image");
    assert_eq!(door.look(&own).await, Ok(Kept::Whole));
}

#[tokio::test]
async fn k19_an_image_that_is_gone_is_told_from_a_tag_that_was_pushed_again_or_removed() {
    let shelf = Shelf::new();
    let registry = shelf.open().await;
    let v1 = registry.push("myapp", Some("v1"), "one").await;
    let door = registry.door(Options::default());
    assert_eq!(door.look(&v1).await, Ok(Kept::Whole));
    let again = registry.push("myapp", Some("v1"), "one, built again").await;
    let now = Some(again.digest().to_owned());
    assert_eq!(door.look(&v1).await, Ok(Kept::Retagged { now }));
    registry.remove("myapp", &again).await;
    assert_eq!(door.look(&v1).await, Ok(Kept::Retagged { now: None }));
    registry.remove("myapp", &v1).await;
    assert_eq!(door.look(&v1).await, Ok(Kept::Gone));
    let because = format!("the registry says that there is no image {v1} any more: push it again");
    assert_eq!(door.tag(&v1, "stable", None).await, Ok(MarkResult::Impossible { because }));
    let elsewhere = format!("{}/never/pushed", registry.name());
    let never = lastgood::manifest::ImageReference::of(&elsewhere, v1.digest()).expect("an image");
    assert_eq!(door.look(&never).await, Ok(Kept::Gone));
}

#[tokio::test]
async fn a_registry_that_is_down_is_away_and_says_nothing_of_its_images() {
    let shelf = Shelf::new();
    let registry = shelf.open().await;
    let v1 = registry.push("myapp", Some("v1"), "one").await;
    let (door, name) = (registry.door(Options::default()), registry.name());
    drop(registry);
    for met in [door.look(&v1).await.map(drop), door.tag(&v1, "stable", None).await.map(drop)] {
        let Err(ImageFault::Away(because)) = met else {
            panic!("{met:?}")
        };
        assert!(
            because.starts_with(&format!("the registry {name} does not answer (")),
            "{because}"
        );
        assert!(because.ends_with("; lastgood tries again"), "{because}");
    }
}

#[tokio::test]
async fn s07_a_registry_that_the_settings_do_not_name_is_never_asked() {
    let shelf = Shelf::new();
    let registry = shelf.open().await;
    let v1 = registry.push("myapp", Some("v1"), "one").await;
    let elsewhere = free_address().to_string();
    let door = lastgood::registry::Registries::new([(elsewhere, Options::default())].into()).expect("clients");
    assert!(!door.knows(&v1));
    let met = door.look(&v1).await;
    let Err(ImageFault::Refused(because)) = met else {
        panic!("{met:?}")
    };
    let name = registry.name();
    let next = format!("the registry {name} is not in lastgood's settings, and no other is asked: add [registry.\"{name}\"]");
    assert_eq!(because, next);
}
