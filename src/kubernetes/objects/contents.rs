//! What is kept of versions, in the history object of their target.

use futures::{FutureExt as _, future::BoxFuture};

use super::Objects;
use crate::{
    kubernetes::document::{self, Content},
    ports::{Contents, HistoryError},
    words::{TargetKey, Version, VersionName},
};

impl Objects {
    async fn contents(&self, target: &TargetKey) -> Result<Vec<Content>, HistoryError> {
        let found = self.read(&self.found(target).await?, &target.to_string()).await?;
        found.as_ref().map_or(Ok(Vec::new()), document::contents)
    }
}

impl Contents for Objects {
    fn keep<'a>(
        &'a self,
        target: &'a TargetKey,
        version: &'a Version,
        document: &'a str,
    ) -> BoxFuture<'a, Result<(), HistoryError>> {
        async move {
            let (place, owner) = (self.found(target).await?, target.to_string());
            let content = Content::new(version, document);
            let put = self.put(&place, &owner, |object, _| document::add_content(object, content.clone()));
            put.await.map(drop)
        }
        .boxed()
    }

    fn kept<'a>(
        &'a self,
        target: &'a TargetKey,
        name: &'a VersionName,
    ) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        async move {
            let mut kept = self.all_kept(target).await?;
            kept.retain(|(version, _)| version.name == *name);
            Ok(kept)
        }
        .boxed()
    }

    fn all_kept<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        async move {
            let kept = self.contents(target).await?;
            Ok(kept
                .into_iter()
                .map(|content| (content.version(), content.document))
                .collect())
        }
        .boxed()
    }
}
