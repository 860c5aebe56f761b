//! A deploy in a cluster: another image for one container of a workload, by a patch that holds only for what was looked at.

use std::{sync::Arc, time::Duration};

use super::{Args, Guarded, asked, judged, recorded};
use crate::{
    app::{Clusters, clock::SystemClock},
    cli::{
        Common, Exit, noting,
        output::{self, WrongUse},
        reach,
    },
    explain::clean,
    kubernetes::{
        image_called,
        ship::{Dock, ShipError, Shipment},
    },
    manifest::Manifest,
    policy::{KubernetesTarget, Policy},
    ports::{Clock as _, DeskError, Note, NotedAction},
    settings::{Settings, StoreSettings},
    words::Moment,
};

/// A lease that was not renewed for so long is nobody's.
const STALE: Duration = Duration::from_secs(60);

/// Runs it.
///
/// # Errors
/// When it is refused, or could not be done.
pub(super) async fn run(
    common: &Common,
    args: &Args,
    settings: &Settings,
    (policy, target): (&Policy, &KubernetesTarget),
) -> anyhow::Result<Exit> {
    if !args.from.is_empty() || !args.sha256.is_empty() {
        return Err(WrongUse("--from and --sha256 are for hosts: in a cluster a release is an image, --image".to_owned()).into());
    }
    let deploy = Deploy::prepare(common, args, settings, (policy, target)).await?;
    if args.dry_run {
        output::data(&deploy.plan(target).await?)?;
        return Ok(Exit::Done);
    }
    let since = deploy.newest().await;
    if let Err(error) = deploy.ship().await {
        let deed = (NotedAction::Deploy, deploy.way());
        if output::exit_of(&error) != Exit::Usage {
            noting::refused(
                (common, &args.within),
                policy.key(),
                deed,
                &args.reason,
                &clean(&format!("{error:#}")),
            )
            .await;
        }
        return Err(error);
    }
    match &deploy.guarded {
        Guarded::By(desk) => {
            let awaited = (policy.key(), deploy.shipment.version.clone());
            judged(common, args, (&**desk, settings.language), awaited, since).await
        }
        told => {
            output::say(&format!("{told}; start `lastgood run` to have it judged"));
            noting::brought((common, &args.within), policy.key(), None).await;
            Ok(Exit::Done)
        }
    }
}

/// What is to be done, looked at.
struct Deploy<'a> {
    common: &'a Common,
    args: &'a Args,
    policy: &'a Policy,
    dock: Dock,
    shipment: Shipment,
    forbidden: Option<String>,
    guarded: Guarded,
}

impl<'a> Deploy<'a> {
    async fn prepare(
        common: &'a Common,
        args: &'a Args,
        settings: &Settings,
        (policy, target): (&'a Policy, &KubernetesTarget),
    ) -> anyhow::Result<Self> {
        let recorded = recorded(common, &args.within, settings, (&policy.key(), &args.to))
            .await
            .unwrap_or_default();
        let manifest = asked::manifest(args, policy, &recorded)?;
        let image = image(args, manifest.as_ref())?;
        let dock = Dock::new(Clusters::new(&settings.kubernetes).get().await?, target.clone());
        let shipment = dock.look(&image).await.map_err(told)?;
        Ok(Self {
            common,
            args,
            policy,
            dock,
            shipment,
            forbidden: asked::forbidden(&args.to, manifest.as_ref(), recorded.quarantined),
            guarded: guarded(common, args, settings, policy).await,
        })
    }

    fn way(&self) -> String {
        format!("{} -> {}", self.shipment.runs, self.shipment.version)
    }

    /// What would be done, a step a line.
    async fn plan(&self, target: &KubernetesTarget) -> anyhow::Result<String> {
        let Shipment {
            container,
            to,
            runs,
            version,
            ..
        } = &self.shipment;
        let mut steps = vec![
            format!(
                "{} (env {}): {runs} runs, {version} will",
                self.policy.service, self.policy.env
            ),
            format!(
                "set      the image of {container} in {} {}/{} to {to}",
                target.kind.as_str(),
                target.namespace,
                target.name
            ),
            format!("judge    {}", self.guarded),
        ];
        steps.extend(self.called().map(|called| format!("note     {called}")));
        let hindered = self.dock.hindered(&self.shipment).await.map_err(told)?;
        let refused = self.forbidden.iter().chain(&hindered);
        steps.extend(refused.map(|because| format!("refused  {because}")));
        let lines: Vec<String> = steps.iter().map(|step| clean(step)).collect();
        Ok(lines.join("\n"))
    }

    /// That people will know it by another name.
    fn called(&self) -> Option<String> {
        let version = &self.shipment.version;
        (*version != self.args.to).then(|| format!("it is called {version} from then on, as its image's tag says"))
    }

    /// When the newest rollout that is known was seen, by the controller's own clock.
    async fn newest(&self) -> Option<Moment> {
        let Guarded::By(desk) = &self.guarded else { return None };
        let records = desk.records(&self.policy.key(), 1).await.ok()?;
        // One that was judged before is not judged anew, so its older verdict counts.
        let newest = records.first().filter(|_| !self.shipment.is_there())?;
        Some(newest.seen_at.plus(Duration::from_millis(1)))
    }

    async fn ship(&self) -> anyhow::Result<()> {
        let Self {
            args, shipment, guarded, ..
        } = self;
        if let Some(because) = self.forbidden.as_ref().filter(|_| !args.force) {
            return Err(DeskError::Refused(format!("nothing was changed: {because}")).into());
        }
        if args.wait && !matches!(guarded, Guarded::By(_)) {
            return Err(DeskError::Failed(format!(
                "nothing was done: {guarded}, so there would be no verdict to wait for; start `lastgood run`, or deploy without --wait"
            ))
            .into());
        }
        let (service, version) = (&self.policy.service, &shipment.version);
        if shipment.is_there() {
            output::say(&format!("{service}: {version} runs already; nothing was changed"));
            return Ok(());
        }
        let remarks = self.dock.ship(shipment).await.map_err(told)?;
        let forced = if args.force { " (--force)" } else { "" };
        let note = Note {
            target: self.policy.key(),
            action: NotedAction::Deploy,
            what: format!("{}{forced}", self.way()),
            why: args.reason.clone(),
            refused: false,
        };
        noting::note((self.common, &args.within), note).await;
        output::say(&format!("{service}: {version} is rolled out, {} ran before", shipment.runs));
        for remark in remarks.iter().chain(&self.called()) {
            output::say(&format!("note: {remark}"));
        }
        Ok(())
    }
}

/// The image that is meant.
fn image(args: &Args, manifest: Option<&Manifest>) -> anyhow::Result<String> {
    let written = manifest
        .and_then(|manifest| manifest.image.as_ref())
        .map(|image| image.as_str());
    let image = match (args.image.as_deref(), written) {
        (Some(given), Some(written)) if given != written => {
            return Err(WrongUse(format!(
                "the manifest says image `{written}`, --image says `{given}`: leave one of them out"
            ))
            .into());
        }
        (given, written) => given.or(written).ok_or_else(|| {
            WrongUse(format!(
                "it is not known which image {} is: add --image, or record its manifest with its `image`",
                args.to
            ))
        })?,
    };
    Ok(image_called(image, &args.to))
}

fn told(error: ShipError) -> anyhow::Error {
    match error {
        ShipError::Refused(because) => DeskError::Refused(format!("nothing was changed: {because}")).into(),
        ShipError::Container(because) => WrongUse(because).into(),
        ShipError::Failed(error) => error.into(),
    }
}

/// Whether somebody will judge it: the controller of this machine, or the one that leads in the cluster.
async fn guarded(common: &Common, args: &Args, settings: &Settings, policy: &Policy) -> Guarded {
    if settings.store != StoreSettings::Kubernetes {
        return Guarded::look(settings, policy).await;
    }
    let quiet = Common {
        quiet: true,
        ..common.clone()
    };
    let desk = match reach::store_in_cluster(&quiet, &args.within, settings).await {
        Ok(desk) => desk,
        Err(error) => return Guarded::Unknown(format!("{error:#}")),
    };
    match desk.clusters.led().await {
        Ok(Some((_, renewed))) if SystemClock.now().since(renewed) < STALE => Guarded::By(Arc::new(desk)),
        Ok(Some((leader, renewed))) => Guarded::Nobody(format!("{leader} led until {renewed}")),
        Ok(None) => Guarded::Nobody("no controller holds the lease".to_owned()),
        // Who may not see who leads still sees what was judged.
        Err(_) => Guarded::By(Arc::new(desk)),
    }
}
