//! Over HTTP: what is there already is gone on with (Range, If-Range), and a cut is tried again a few times by itself.

use std::time::Duration;

use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE},
    redirect::Policy,
};
use tokio_util::sync::CancellationToken;

use super::{FetchError, Progress, Source, Told, partial::Partial};

/// How often a fetch is tried in one go; the pause before the next try doubles.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// A server that says nothing for so long is cut off.
const SILENCE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
const MOST_REDIRECTS: usize = 5;

/// Why one try ended before the whole was there.
enum Broken {
    /// Another try may help.
    Cut(String),
    /// None will.
    Final(FetchError),
}

impl From<FetchError> for Broken {
    fn from(error: FetchError) -> Self {
        Self::Final(error)
    }
}

/// One artifact on a server.
struct Remote<'a> {
    client: Client,
    source: &'a Source,
    url: &'a Url,
    most: u64,
    told: Told<'a>,
}

pub(super) async fn fetch(
    source: &Source,
    url: &Url,
    partial: &mut Partial,
    most: u64,
    stop: &CancellationToken,
    told: Told<'_>,
) -> Result<(), FetchError> {
    let remote = Remote {
        client: client().map_err(|error| FetchError::Disk(format!("cannot speak HTTP: {error}; report this")))?,
        source,
        url,
        most,
        told,
    };
    let mut pause = FIRST_PAUSE;
    for left in (0..TRIES).rev() {
        let because = tokio::select! {
            () = stop.cancelled() => return Err(FetchError::Interrupted),
            tried = remote.go_on(partial) => match tried {
                Ok(()) => return Ok(()),
                Err(Broken::Final(error)) => return Err(error),
                Err(Broken::Cut(because)) => because,
            },
        };
        if left == 0 {
            return Err(FetchError::Cut {
                name: source.name.clone(),
                from: source.location.to_string(),
                because,
                got: partial.length(),
            });
        }
        told(Progress::Again {
            name: &source.name,
            because: &because,
        });
        tokio::select! {
            () = stop.cancelled() => return Err(FetchError::Interrupted),
            () = tokio::time::sleep(pause) => pause *= 2,
        }
    }
    Ok(())
}

/// Answers come as they are stored (an unasked compression would change the digest); https never leads to http.
fn client() -> Result<Client, reqwest::Error> {
    let redirects = Policy::custom(|attempt| {
        let insecure = attempt.url().scheme() != "https" && attempt.previous().iter().any(|url| url.scheme() == "https");
        if insecure {
            attempt.error("it leads from https to plain http")
        } else if attempt.previous().len() > MOST_REDIRECTS {
            attempt.error("it leads on and on")
        } else {
            attempt.follow()
        }
    });
    Client::builder()
        .user_agent(crate::words::USER_AGENT)
        .no_proxy()
        .no_gzip()
        .redirect(redirects)
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .build()
}

impl Remote<'_> {
    /// Asks for what is missing and adds it.
    async fn go_on(&self, partial: &mut Partial) -> Result<(), Broken> {
        let have = partial.length();
        if have > 0 && self.source.size == Some(have) {
            return Ok(());
        }
        let mut request = self.client.get(self.url.clone());
        // Without a validator only a digest would tell that the rest belongs to another build.
        let go_on = have > 0 && (partial.validator().is_some() || self.source.digest.is_some());
        if go_on {
            request = request.header(RANGE, format!("bytes={have}-"));
            if let Some(validator) = partial.validator() {
                request = request.header(IF_RANGE, validator);
            }
        }
        let response = request.send().await.map_err(|error| cut(&error))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if go_on && begins_at(response.headers(), have) => {}
            StatusCode::OK => partial.restart(validator(response.headers()))?,
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                partial.restart(None)?;
                return Err(Broken::Cut(
                    "the server has no such rest any more; it is fetched from its beginning".to_owned(),
                ));
            }
            status => return Err(self.unwanted(status)),
        }
        self.take(response, partial).await
    }

    async fn take(&self, mut response: Response, partial: &mut Partial) -> Result<(), Broken> {
        let total = response.content_length().map(|rest| partial.length().saturating_add(rest));
        let too_large = || FetchError::TooLarge {
            name: self.source.name.clone(),
            most: self.most,
        };
        if total.is_some_and(|total| total > self.most) {
            return Err(too_large().into());
        }
        while let Some(piece) = response.chunk().await.map_err(|error| cut(&error))? {
            partial.add(&piece)?;
            if partial.length() > self.most {
                return Err(too_large().into());
            }
            (self.told)(Progress::At {
                name: &self.source.name,
                got: partial.length(),
                total: total.or(self.source.size),
            });
        }
        match total.filter(|total| *total > partial.length()) {
            Some(total) => Err(Broken::Cut(format!("it ended after {} of {total} bytes", partial.length()))),
            None => Ok(()),
        }
    }

    fn unwanted(&self, status: StatusCode) -> Broken {
        let later = status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        if later {
            return Broken::Cut(format!("the server answers {status}"));
        }
        let next = match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => "look whether it was uploaded, and under this name",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "use a signed URL, or fetch it yourself and give the file",
            _ => "open the URL by hand",
        };
        Broken::Final(FetchError::Refused {
            name: self.source.name.clone(),
            from: self.source.location.to_string(),
            because: format!("the server answers {status}; {next}"),
        })
    }
}

/// What a later answer must be called to be the same: a strong ETag, else the time of modification.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text(ETAG)
        .filter(|tag| !tag.starts_with("W/"))
        .or_else(|| text(LAST_MODIFIED))
}

fn begins_at(headers: &HeaderMap, have: u64) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let begin = range.and_then(|text| text.strip_prefix("bytes ")?.split_once('-'));
    begin.is_some_and(|(begin, _)| begin.trim().parse() == Ok(have))
}

/// What was met, with its causes and without the URL, which may hold a signature.
fn cut(error: &reqwest::Error) -> Broken {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    Broken::Cut(if text.is_empty() {
        "the connection broke".to_owned()
    } else {
        text
    })
}
