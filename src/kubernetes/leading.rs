//! Holding the lease: contending for it, renewing it well before others would take it, and giving it back.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use super::{
    call::CallError,
    cluster::Cluster,
    lease::{self, Observed, RENEW_WITHIN},
    object::Object,
    resource::Resource,
    term::{Term, Uptime},
};
use crate::ports::Clock;

/// How often the lease is renewed.
const RENEW: Duration = Duration::from_secs(2);
/// How long is waited after a renewal that failed.
const AGAIN: Duration = Duration::from_secs(1);
/// No call for the lease takes longer: a try that hangs must leave time for others.
const TRY: Duration = Duration::from_secs(3);

/// How the lease stands for one who wants it.
pub enum Contest {
    /// It is ours.
    Held(Held),
    /// Another controller, of this name, holds it.
    Other(String),
    /// Nobody can tell, and why.
    Unknown(String),
}

/// The lease, as one controller sees it.
pub struct Contender {
    lease: Arc<Lease>,
    observed: Observed,
}

/// The lease as it is held.
pub struct Held {
    lease: Arc<Lease>,
    object: Object,
    term: Arc<Term>,
}

/// Why a lease was not renewed.
enum Unrenewed {
    /// It is another's.
    Lost(String),
    /// It may be still.
    Failed(CallError),
}

impl From<CallError> for Unrenewed {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

struct Lease {
    cluster: Arc<Cluster>,
    namespace: String,
    name: String,
    me: String,
    clock: Arc<dyn Clock>,
    uptime: Uptime,
}

impl Contender {
    /// Wants the lease `name` under the name `me`, which no other process has. The connection is the lease's own: what else is asked of
    /// the server must not hold up a renewal. A lease without namespace is in the connection's.
    #[must_use]
    pub fn new(
        cluster: Arc<Cluster>,
        (namespace, name): (Option<&str>, &str),
        me: String,
        clock: Arc<dyn Clock>,
        uptime: Uptime,
    ) -> Self {
        let namespace = namespace.unwrap_or(cluster.namespace()).to_owned();
        Self {
            lease: Arc::new(Lease {
                cluster,
                namespace,
                name: name.to_owned(),
                me,
                clock,
                uptime,
            }),
            observed: Observed::default(),
        }
    }

    /// Looks once, and takes the lease where it is free.
    pub async fn contend(&mut self) -> Contest {
        let began = (self.lease.uptime)();
        let (taken, found) = match self.lease.read().await {
            Err(CallError::Absent(_)) => (self.lease.create().await, None),
            Err(error) => return Contest::Unknown(self.lease.cannot("read", &error)),
            // Our own, of a taking whose answer was lost.
            Ok(found) if lease::holder(&found) == Some(self.lease.me.as_str()) => (
                self.lease.put(&lease::renewed(&found, self.lease.clock.now())).await,
                Some(found),
            ),
            Ok(found) if self.observed.is_free(&found, began) => {
                let (me, now) = (&self.lease.me, self.lease.clock.now());
                (self.lease.put(&lease::taken(&found, me, now)).await, Some(found))
            }
            Ok(found) => return Contest::Other(lease::holder(&found).unwrap_or_default().to_owned()),
        };
        match taken {
            Ok(object) => Contest::Held(Held {
                term: Arc::new(Term::new(
                    lease::transitions(&object),
                    began + RENEW_WITHIN,
                    self.lease.uptime,
                )),
                lease: self.lease.clone(),
                object,
            }),
            Err(CallError::Conflict(_)) => Contest::Other(found.as_ref().and_then(lease::holder).unwrap_or("another").to_owned()),
            Err(error) => Contest::Unknown(self.lease.cannot("take", &error)),
        }
    }
}

impl Held {
    /// The term under which writes are made.
    #[must_use]
    pub fn term(&self) -> Arc<Term> {
        self.term.clone()
    }

    /// Renews the lease until it is lost, and returns why. May be dropped at any time.
    pub async fn keep(&mut self) -> String {
        loop {
            sleep(RENEW).await;
            while let Err(error) = self.renew().await {
                let because = match error {
                    Unrenewed::Lost(because) => return because,
                    Unrenewed::Failed(error) => self.lease.cannot("renew", &error),
                };
                if !self.term.lasts() {
                    return because;
                }
                tracing::warn!(%because, "the lease is tried again");
                sleep(AGAIN).await;
            }
        }
    }

    async fn renew(&mut self) -> Result<(), Unrenewed> {
        let began = (self.lease.uptime)();
        let put = match self.lease.put(&lease::renewed(&self.object, self.lease.clock.now())).await {
            // Someone else wrote, or an earlier renewal of ours whose answer was lost did.
            Err(CallError::Conflict(_)) => {
                let found = self.lease.read().await?;
                if !self.lease.is_ours(&found) {
                    return Err(Unrenewed::Lost(self.lease.lost(&found)));
                }
                self.object = found;
                self.lease.put(&lease::renewed(&self.object, self.lease.clock.now())).await
            }
            answered => answered,
        };
        self.object = put?;
        self.term.prolong(began + RENEW_WITHIN);
        Ok(())
    }

    /// Gives the lease back, so that the next one need not wait; where that fails, it waits.
    pub async fn give_back(mut self) {
        self.term.prolong(Duration::ZERO);
        for _ in 0..2 {
            match self.lease.put(&lease::given_back(&self.object, self.lease.clock.now())).await {
                Ok(_) => return,
                Err(CallError::Conflict(_)) => {}
                Err(error) => tracing::warn!(because = %self.lease.cannot("give back", &error)),
            }
            match self.lease.read().await {
                Ok(found) if self.lease.is_ours(&found) => self.object = found,
                _ => return,
            }
        }
    }
}

impl Lease {
    async fn read(&self) -> Result<Object, CallError> {
        within(self.cluster.calls.get(Resource::Leases, &self.namespace, &self.name)).await
    }

    async fn put(&self, lease: &Object) -> Result<Object, CallError> {
        within(self.cluster.calls.replace(Resource::Leases, &self.namespace, lease)).await
    }

    async fn create(&self) -> Result<Object, CallError> {
        let lease = lease::first(&self.namespace, &self.name, &self.me, self.clock.now());
        within(self.cluster.calls.create(Resource::Leases, &self.namespace, &lease)).await
    }

    fn is_ours(&self, lease: &Object) -> bool {
        lease::holder(lease) == Some(self.me.as_str())
    }

    fn lost(&self, lease: &Object) -> String {
        let who = lease::holder(lease).unwrap_or("nobody");
        format!("the lease {}/{} was lost: {who} holds it", self.namespace, self.name)
    }

    fn cannot(&self, doing: &str, error: &CallError) -> String {
        let (namespace, name) = (&self.namespace, &self.name);
        let next = match error {
            CallError::Absent(_) => ": does the namespace exist?",
            CallError::Refused(_) | CallError::Unauthorized(_) | CallError::Forbidden(_) => {
                ": apply deploy/kubernetes, which has the lease and the right to it"
            }
            _ => "",
        };
        format!("cannot {doing} the lease {namespace}/{name}: {error}{next}")
    }
}

async fn within(call: impl Future<Output = Result<Object, CallError>>) -> Result<Object, CallError> {
    match timeout(TRY, call).await {
        Ok(answered) => answered,
        Err(_) => Err(CallError::Unknown(format!(
            "the API server did not answer within {} s",
            TRY.as_secs()
        ))),
    }
}
