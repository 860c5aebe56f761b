//! The rig: the docker-registry of Debian's packages on a free port of this machine, images in it, an authority for TLS and tokens.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use lastgood::{
    demo::{Child, held},
    manifest::ImageReference,
    registry::{Options, Registries},
};
use reqwest::{Client, Method, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// Nothing that a test waits for takes longer, also on a machine that is busy building.
const PATIENCE: Duration = Duration::from_secs(60);
/// Manifests of one image, and of one for several platforms.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Who may in, and the bcrypt of their password.
pub const USER: (&str, &str) = ("ann", "open sesame");
const HTPASSWD: &str = "ann:$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n";

/// Where the program is: what LASTGOOD_TEST_REGISTRY names, else what `tests/tools/registry.sh` finds or fetches.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(named) = std::env::var_os("LASTGOOD_TEST_REGISTRY") {
            return PathBuf::from(named);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/registry.sh");
        let output = Command::new(script).output().expect("tests/tools/registry.sh runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
    })
}

/// What a registry holds, whether one runs or not.
pub struct Shelf {
    directory: TempDir,
}

/// A registry that runs.
pub struct Registry {
    pub address: SocketAddr,
    _child: Option<Child>,
}

impl Shelf {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        path
    }

    /// Opens it to everyone.
    pub async fn open(&self) -> Registry {
        self.serve(free_address(), json!({})).await
    }

    /// Opens it to those who know [`USER`]'s password.
    pub async fn open_to_users(&self) -> Registry {
        self.open_to_users_at(free_address()).await
    }

    /// The same, at `address`.
    pub async fn open_to_users_at(&self, address: SocketAddr) -> Registry {
        let file = self.write("htpasswd", HTPASSWD);
        let auth = json!({"auth": {"htpasswd": {"realm": "shelf", "path": file}}});
        self.serve(address, auth).await
    }

    /// Opens it at `address`, with `more` beside what every registry has: on its top level, `tls` for its listener.
    pub async fn serve(&self, address: SocketAddr, mut more: Value) -> Registry {
        let root = self.path("images");
        let mut config = json!({
            "version": 0.1,
            "log": {"accesslog": {"disabled": true}, "level": "error"},
            "storage": {"filesystem": {"rootdirectory": root}, "delete": {"enabled": true}},
            "http": {"addr": address},
        });
        let fields = more.as_object_mut().expect("an object");
        if let Some(tls) = fields.remove("tls") {
            config["http"]["tls"] = tls;
        }
        config.as_object_mut().expect("an object").append(fields);
        // JSON is YAML.
        let file = self.write("registry.yml", &config.to_string());
        let log = fs::File::create(self.path("registry.log")).expect("a log");
        let lastgood = Path::new(env!("CARGO_BIN_EXE_lastgood"));
        let mut command = held(lastgood, program(), ["serve".as_ref(), file.as_os_str()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = Child::start("registry", command).expect("the registry starts");
        let log = || fs::read_to_string(self.path("registry.log")).unwrap_or_default();
        let listens = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                assert!(child.ended().is_none(), "{}", log());
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, listens).await.unwrap_or_else(|_| panic!("{}", log()));
        Registry {
            address,
            _child: Some(child),
        }
    }
}

pub fn free_address() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("an address")
}

impl Registry {
    /// One that is down.
    pub fn at(address: SocketAddr) -> Self {
        Self { address, _child: None }
    }

    /// As images and settings name it.
    pub fn name(&self) -> String {
        self.address.to_string()
    }

    /// What to ask it with: plain HTTP and `options`.
    pub fn door(&self, options: Options) -> Registries {
        let options = Options {
            plain_http: true,
            ..options
        };
        Registries::new([(self.name(), options)].into()).expect("clients")
    }

    /// Pushes an image without layers whose configuration says `content`, under `tag`; without it by its digest alone.
    pub async fn push(&self, repository: &str, tag: Option<&str>, content: &str) -> ImageReference {
        let config = json!({"architecture": "amd64", "os": "linux", "config": {"Labels": {"content": content}}, "rootfs": {"type": "layers", "diff_ids": []}});
        let config = config.to_string().into_bytes();
        self.push_blob(repository, &config).await;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()},
            "layers": [],
        });
        self.put(repository, tag, MANIFEST, manifest.to_string().into_bytes()).await
    }

    /// Pushes an image for several platforms, made of `images`.
    pub async fn push_index(&self, repository: &str, tag: &str, images: &[&ImageReference]) -> ImageReference {
        let mut manifests = Vec::new();
        for (image, architecture) in images.iter().zip(["amd64", "arm64"]) {
            let size = self.manifest(repository, image.digest()).await.1.len();
            manifests.push(json!({
                "mediaType": MANIFEST, "digest": image.digest(), "size": size, "platform": {"os": "linux", "architecture": architecture},
            }));
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        // Not the shortest form: what is moved must be the bytes, not what they say.
        let bytes = serde_json::to_vec_pretty(&index).expect("JSON");
        self.put(repository, Some(tag), INDEX, bytes).await
    }

    async fn put(&self, repository: &str, tag: Option<&str>, kind: &str, bytes: Vec<u8>) -> ImageReference {
        let digest = digest(&bytes);
        let reference = tag.unwrap_or(&digest);
        let request = self.request(Method::PUT, &format!("{repository}/manifests/{reference}"));
        let response = request
            .header(CONTENT_TYPE, kind)
            .body(bytes)
            .send()
            .await
            .expect("an answer");
        let status = response.status();
        assert_eq!(status, StatusCode::CREATED, "{}", response.text().await.expect("text"));
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        ImageReference::of(&format!("{}/{repository}{tag}", self.name()), &digest).expect("an image")
    }

    async fn push_blob(&self, repository: &str, bytes: &[u8]) {
        let begun = self
            .request(Method::POST, &format!("{repository}/blobs/uploads/"))
            .send()
            .await;
        let begun = begun.expect("an answer");
        assert_eq!(begun.status(), StatusCode::ACCEPTED);
        let location = begun.headers()["location"].to_str().expect("text").to_owned();
        let location = reqwest::Url::parse_with_params(&location, [("digest", digest(bytes))]).expect("a URL");
        let put = client().put(location).basic_auth(USER.0, Some(USER.1)).body(bytes.to_vec());
        assert_eq!(put.send().await.expect("an answer").status(), StatusCode::CREATED);
    }

    /// What `reference` means: its type and its bytes.
    pub async fn manifest(&self, repository: &str, reference: &str) -> (String, Vec<u8>) {
        let request = self.request(Method::GET, &format!("{repository}/manifests/{reference}"));
        let response = request
            .header("accept", format!("{MANIFEST}, {INDEX}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let kind = response.headers()[CONTENT_TYPE].to_str().expect("text").to_owned();
        (kind, response.bytes().await.expect("bytes").to_vec())
    }

    /// The digest that `tag` has.
    pub async fn digest(&self, repository: &str, tag: &str) -> String {
        self.tagged(repository, tag).await.expect("a tag")
    }

    /// The same; none where there is no such tag.
    pub async fn tagged(&self, repository: &str, tag: &str) -> Option<String> {
        let request = self.request(Method::HEAD, &format!("{repository}/manifests/{tag}"));
        let response = request
            .header("accept", format!("{MANIFEST}, {INDEX}"))
            .send()
            .await
            .expect("an answer");
        let digest = response.headers().get("docker-content-digest")?;
        (response.status() == StatusCode::OK).then(|| digest.to_str().expect("text").to_owned())
    }

    /// Removes an image, with every tag that means it.
    pub async fn remove(&self, repository: &str, image: &ImageReference) {
        let request = self.request(Method::DELETE, &format!("{repository}/manifests/{}", image.digest()));
        assert_eq!(request.send().await.expect("an answer").status(), StatusCode::ACCEPTED);
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}/v2/{path}", self.address);
        client().request(method, url).basic_auth(USER.0, Some(USER.1))
    }
}

fn client() -> Client {
    Client::builder().no_proxy().build().expect("a client")
}

pub fn digest(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}
