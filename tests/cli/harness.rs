//! A folder and the binary.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

/// A hash of nothing in particular.
pub(crate) const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// A folder to run commands in.
pub(crate) struct Folder(TempDir);

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A folder with a sound `mcp-guard.toml`.
    pub(crate) fn sound() -> Self {
        let folder = Self::new();
        folder.write("mcp-guard.toml", &sound(), 0o600);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The certificates, keys and secrets that `text` names, so that it can be loaded.
    pub(crate) fn write_files_of(&self, text: &str) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap();
        let pem = certificate.self_signed(&key).unwrap().pem();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, rest)) = line.split_once(" = \"") else {
                continue;
            };
            let file = rest.split('"').next().unwrap();
            match name {
                "cert_path" | "client_ca_path" => self.write(file, &pem, 0o644),
                "key_path" => self.write(file, &key.serialize_pem(), 0o600),
                "client_secret_file" => self.write(file, "a secret of the provider\n", 0o600),
                _ => {}
            }
        }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    /// The names of all files, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, "")
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mcp-guard"))
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input closes it early.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// Success; what was said.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// Exit code 1 with one line on standard error; that line.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!(
            (self.code, self.err.lines().count()),
            (1, 1),
            "{}{}",
            self.out,
            self.err
        );
        self.err
    }

    /// Success in JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// The same, with users of GitHub, one of whom may do everything else.
pub(crate) fn sound_with_provider() -> String {
    format!(
        "{}[server]\npublic_url = 'https://gw.example'\n[auth.oauth]\nprovider = 'github'\nclient_id = 'x'\nclient_secret = 'hunter2'\n\
         allowed_users = ['583231', '1']\nallowed_tools = ['list_*']\ndenied_tools = ['drop']\n\
         [auth.oauth.scope_tool_mapping]\n'mcp:read' = ['read_*']\n'mcp:write' = ['write_*']\n\
         [[auth.oauth.identities]]\nmatch = '1'\nallowed_tools = ['*']\nscopes = []\n[auth.oauth.server]\nenabled = true\n",
        sound()
    )
}

/// A sound configuration with an identity that may read, but not secrets.
pub(crate) fn sound() -> String {
    format!(
        "# top\n[[auth.api_keys]] # first\nid = 'ci'\nkey_hash = '{HASH}'\nallowed_tools = ['read_*']\ndenied_tools = ['read_secrets']\n\n\
         # about upstreams\n[[upstream.servers]]\nname = 'files'\nurl = 'http://localhost:8080/mcp' # here\n\
         [[upstream.servers]]\nname = 'git'\nurl = 'http://localhost:8081/mcp'\nallowed_tools = ['list']\n\n[audit]\nstdout = true\n"
    )
}

/// The key in what a command said.
pub(crate) fn key_in(said: &str) -> String {
    let key = said
        .split_whitespace()
        .find(|word| word.starts_with("mcp_"));
    key.unwrap_or_else(|| panic!("no key in {said}")).to_owned()
}

/// The same with users of an issuer and holders of certificates.
pub(crate) fn sound_with_issuer() -> String {
    format!(
        "{}[[auth.jwt]]\nmode = 'jwks'\njwks_url = 'https://id.example.com/keys'\nissuer = 'https://id.example.com/'\n\
         audience = 'mcp'\ndenied_tools = ['read_secrets']\n[auth.jwt.scope_tool_mapping]\n'mcp:read' = ['read_*']\n\
         'mcp:write' = ['write_*']\n[auth.mtls]\nenabled = true\nsource = 'header'\ntrusted_proxy_ips = ['::1']\n\
         identity_source = 'san_uri'\n[[auth.mtls.identities]]\nmatch = 'spiffe://example.com/*'\nallowed_tools = ['read_*']\n",
        sound()
    )
}
