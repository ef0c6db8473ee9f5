//! Where and with what a comparison ran, so that it can be run again.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// Today, in UTC.
pub(crate) fn date() -> String {
    jiff::Timestamp::now()
        .to_string()
        .chars()
        .take_while(|&character| character != 'T')
        .collect()
}

/// The commit of the source tree in the current folder, `-dirty` where it has changes.
pub(crate) fn commit() -> String {
    output(
        "git",
        &["describe", "--always", "--dirty", "--exclude", "*"],
    )
    .unwrap_or_else(|| "unknown".to_owned())
}

/// Date and commit.
pub(crate) fn result_name() -> String {
    format!("{}-{}", date(), commit())
}

/// The first line that `program flag` prints, or `None` where it is not installed.
pub(crate) fn version_of(program: &str, flag: &str) -> Option<String> {
    output(program, &[flag])
}

/// Kernel, processor, versions, command line.
pub(crate) fn describe(guard: Option<&Path>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{name:<14} {}", value.as_deref().unwrap_or("–"));
    };
    line("kernel", output("uname", &["-srvm"]));
    line("processor", processor());
    line("cores", cores());
    line(
        "memory",
        fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| text.lines().next().map(str::to_owned)),
    );
    line("nginx", version_of("nginx", "-v"));
    line("haproxy", version_of("haproxy", "-v"));
    line(
        "mcp-guard",
        guard.and_then(|path| version_of(&path.display().to_string(), "version")),
    );
    line("commit", Some(commit()));
    line(
        "command",
        Some(std::env::args().collect::<Vec<_>>().join(" ")),
    );
    for name in [
        "tcp_congestion_control",
        "tcp_rmem",
        "tcp_wmem",
        "tcp_tw_reuse",
        "ip_local_port_range",
    ] {
        line(
            name,
            fs::read_to_string(format!("/proc/sys/net/ipv4/{name}"))
                .ok()
                .map(|text| text.trim().to_owned()),
        );
    }
    line(
        "load average",
        fs::read_to_string("/proc/loadavg")
            .ok()
            .map(|text| text.trim().to_owned()),
    );
    text
}

/// Counted here and not asked of the scheduler, which would tell of the one core that this process keeps to.
fn cores() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let count = text
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    Some(count.to_string())
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let all = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&all)
        .lines()
        .next()
        .map(str::to_owned)
}

/// Copies every configuration under `scratch` to `SCENARIO-FILE` in `folder`; logs are left.
///
/// Paths of the scratch folder inside them are shortened to `.`.
pub(crate) fn keep_configs(scratch: &Path, folder: &Path) -> io::Result<()> {
    for scenario in fs::read_dir(scratch)? {
        let scenario = scenario?;
        for peer in fs::read_dir(scenario.path())? {
            keep_of_peer(
                scratch,
                &scenario.file_name().to_string_lossy(),
                &peer?.path(),
                folder,
            )?;
        }
    }
    Ok(())
}

/// Ten thousand keys say no more than one: such a file is not kept.
const CONFIG_BYTES_MAX: usize = 64 * 1024;

fn keep_of_peer(scratch: &Path, scenario: &str, peer: &Path, folder: &Path) -> io::Result<()> {
    for name in ["nginx.conf", "haproxy.cfg", "mcp-guard.toml"] {
        let Ok(text) = fs::read_to_string(peer.join(name)) else {
            continue;
        };
        if text.len() <= CONFIG_BYTES_MAX {
            let peer = peer.file_name().unwrap_or_default().to_string_lossy();
            let text = text.replace(&scratch.display().to_string(), ".");
            fs::write(folder.join(format!("{scenario}-{peer}-{name}")), text)?;
        }
    }
    Ok(())
}
