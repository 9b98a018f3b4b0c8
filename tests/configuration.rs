//! The configuration: the example holds every key with its default, and what is not a key is
//! refused by name.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests assert, and read files")]

use std::path::Path;

use doorstep::daemon::config::Config;
use doorstep::daemon::config_check::config_errors;
use doorstep::daemon::error::DaemonError;
use doorstep::daemon::settings::Settings;

fn example() -> String {
    std::fs::read_to_string("configs/doorstep.toml").unwrap()
}

#[test]
fn the_example_is_the_defaults() {
    assert_eq!(Config::read(Path::new("configs/doorstep.toml")).unwrap(), Config::default());
}

#[test]
fn the_example_names_every_key() {
    let every: toml::Table = toml::from_str(&toml::to_string(&Config::default()).unwrap()).unwrap();
    let shown: toml::Table = toml::from_str(&example()).unwrap();
    assert_eq!(shown, every);
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let directory = std::env::temp_dir().join(format!("doorstep-config-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("bad.toml");
    std::fs::write(&file, "[quic]\nlisten_on = \"127.0.0.1:1\"\n").unwrap();
    let error = Config::read(&file).unwrap_err().to_string();
    assert!(error.contains("listen_on") && error.contains("bad.toml"), "{error}");
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn plain_http_stays_on_this_machine_unless_allowed() {
    let mut config = Config::default();
    config.http.listen = "0.0.0.0:8080".parse().unwrap();
    assert!(matches!(Settings::new(config.clone()), Err(DaemonError::PlainHttp(_))));
    config.http.allow_plain = true;
    assert!(Settings::new(config).is_ok());
}

#[test]
fn every_error_of_a_file_is_told_with_its_line() {
    let directory = std::env::temp_dir().join(format!("doorstep-check-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("doorstep.toml");
    let errors = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let errors = config_errors(&file).unwrap();
        let place = format!("{}:", file.display());
        errors.iter().map(|line| line.replace(&place, "")).collect::<Vec<_>>()
    };
    assert!(errors(&example()).is_empty());
    assert!(errors("").is_empty());
    let told = errors(
        "data_dir = 3\n[http]\nlisten = \"here\"\n[quic]\nlisten_on = 1\n\
         connections_max = \"many\"\n\n[nodes]\n",
    );
    let expected = [
        "1: data_dir: ",
        "3: http.listen: ",
        "5: quic.listen_on: unknown field `listen_on`",
        "6: quic.connections_max: invalid type: string \"many\", expected a whole number",
        "8: nodes: unknown field `nodes`",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, expected) in expected.iter().zip(&told).map(|(expected, line)| (line, expected)) {
        assert!(line.starts_with(expected), "{line}\nnot {expected}");
    }
    let told = errors("[http]\nlisten = \n[quic\n");
    assert!(told.len() >= 2 && told[0].starts_with("2: "), "{told:#?}");
    assert!(errors("[http]\nlisten = \"0.0.0.0:80\"\n")[0].contains("allow_plain"));
    std::fs::remove_dir_all(&directory).unwrap();
}
