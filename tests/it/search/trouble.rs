//! The index on a bad day: killed while it is made, damaged, no room, no right to write, and what others have left.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{is_ready, place, post, serve};
use crate::cli::{Place, Running, until};
use crate::support::say;

/// Enough for an index that takes a while to make.
const MANY: usize = 3_000;

fn many(n_components: usize) -> String {
    let each = (0..n_components).map(|number| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: zeppelin-{number}, description: Carries things {number} times over the lake }}\nspec: {{ type: service, lifecycle: production, owner: team-a }}\n"
        )
    });
    each.collect::<Vec<_>>().join("---\n")
}

const ASKED: &str = "{ search(query: \"zeppelin\", first: 1) { totalCount indexState { state documents message } } }";

fn search(url: &str) -> Value {
    let mut answer = post(url, &json!({ "query": ASKED }).to_string());
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    answer["data"]["search"].take()
}

fn is_complete(answer: &Value) -> bool {
    is_ready(answer) && answer["data"]["search"]["totalCount"] == MANY
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.collect()
}

/// Files of the index that it does not say to have.
fn strange(index: &Path) -> Vec<String> {
    let meta: Value = serde_json::from_slice(&fs::read(index.join("meta.json")).unwrap()).unwrap();
    let segments = meta["segments"].as_array().unwrap().iter();
    let known: BTreeSet<String> = segments
        .map(|segment| segment["segment_id"].as_str().unwrap().replace('-', ""))
        .collect();
    let own = |name: &String| {
        let begin = name.split('.').next().unwrap();
        known.contains(begin)
            || ["meta.json", ".managed.json"].contains(&name.as_str())
            || name.ends_with(".lock")
    };
    let mut names = names_in(index);
    names.retain(|name| !own(name));
    names
}

#[test]
fn killed_while_it_is_made_it_is_complete_after_the_next_start() {
    let place = place(&many(MANY));
    let index = place.path().join("callboard.db.search/index");
    let body = json!({ "query": ASKED }).to_string();
    let mut n_struck = 0;
    for wait in [0, 30, 100, 200, 400] {
        let server = serve(&place);
        // Before there is a catalog nothing is answered; from then on searches are, whatever the state of the index is.
        let state = loop {
            let answer = post(&server.url, &body);
            if answer["errors"] == Value::Null {
                break answer["data"]["search"]["indexState"]["state"].clone();
            }
            assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_READY");
            // Each refusal is a line of its log, which nobody reads meanwhile.
            std::thread::sleep(Duration::from_millis(10));
        };
        std::thread::sleep(Duration::from_millis(wait));
        let found = search(&server.url);
        n_struck += usize::from(state == "BUILDING" && found["totalCount"] != MANY);
        assert_eq!(server.end("-KILL").0, None);
        if found["totalCount"] == MANY {
            fs::remove_dir_all(&index).unwrap();
        }
    }
    assert!(n_struck > 0, "none was killed while it made its index");
    // As a process leaves them that is killed between two moments.
    fs::create_dir_all(&index).unwrap();
    fs::write(index.join(".tmpAbCdEf"), "half a").unwrap();
    fs::write(index.join("0123456789abcdef0123456789abcdef.store"), "half").unwrap();
    for _ in 0..2 {
        let server = serve(&place);
        let answer = until(&place, &server.url, ASKED, is_complete);
        assert_eq!(answer["data"]["search"]["indexState"]["documents"], MANY);
        assert_eq!(server.end("-TERM").0, Some(0));
    }
    assert_eq!(strange(&index), [""; 0]);
}

#[test]
fn whatever_is_damaged_it_is_made_anew() {
    let place = place(&many(20));
    let index = place.path().join("callboard.db.search/index");
    let is_whole =
        |answer: &Value| is_ready(answer) && answer["data"]["search"]["totalCount"] == 20;
    let server = serve(&place);
    until(&place, &server.url, ASKED, is_whole);
    assert_eq!(server.end("-TERM").0, Some(0));
    let mut endings: BTreeSet<String> = names_in(&index)
        .iter()
        .filter_map(|name| Some(name.rsplit_once('.')?.1.to_owned()))
        .collect();
    endings.remove("lock");
    assert!(
        endings.contains("json") && endings.contains("store"),
        "{endings:?}"
    );
    for ending in endings {
        for name in names_in(&index) {
            if name.ends_with(&format!(".{ending}")) {
                let mut bytes = fs::read(index.join(&name)).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0xff;
                fs::write(index.join(&name), bytes).unwrap();
            }
        }
        let server = serve(&place);
        until(&place, &server.url, ASKED, is_whole);
        assert_eq!(server.end("-TERM").0, Some(0), "{ending}");
        assert_eq!(strange(&index), [""; 0], "{ending}");
    }
}

/// A server whose temporary folders are in `tmp`, and one of which is its index: there is a file where that would be.
fn serve_with_own_tmp(place: &Place, name: &str) -> Running {
    let config = json!({
        "database": { "url": format!("sqlite:{name}.db") },
        "sources": [{ "type": "file", "path": "./catalog" }],
    });
    let file = format!("{name}.yaml");
    fs::write(place.path().join(&file), config.to_string()).unwrap();
    fs::write(place.path().join(format!("{name}.db.search")), "a file").unwrap();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--config", &file]);
    command.env("TMPDIR", place.path().join("tmp"));
    Running::start(command, false)
}

#[test]
fn what_a_killed_server_leaves_in_the_temporary_folder_is_removed_by_the_next() {
    let place = place(&many(20));
    let tmp = place.path().join("tmp");
    // Of somebody else, for all we know.
    fs::create_dir_all(tmp.join("callboard-search-of-mine")).unwrap();
    let left = || {
        let mut names = names_in(&tmp);
        names.retain(|name| name != "callboard-search-of-mine");
        names
    };
    let killed = serve_with_own_tmp(&place, "one");
    until(&place, &killed.url, ASKED, is_ready);
    assert_eq!(killed.end("-KILL").0, None);
    let before = left();
    assert_eq!(before.len(), 1, "{before:?}");
    let one = serve_with_own_tmp(&place, "one");
    until(&place, &one.url, ASKED, is_ready);
    let own = left();
    assert!(own.len() == 1 && own != before, "{own:?} after {before:?}");
    // One that lives keeps its own.
    let other = serve_with_own_tmp(&place, "other");
    until(&place, &other.url, ASKED, is_ready);
    assert_eq!(left().len(), 2);
    assert_eq!(search(&one.url)["totalCount"], 20);
    for server in [one, other] {
        assert_eq!(server.end("-TERM").0, Some(0));
    }
    assert_eq!(left(), [""; 0]);
    assert!(tmp.join("callboard-search-of-mine").exists());
}

/// Rights keep nobody from writing who is root; a file in the place of the folder does.
#[test]
fn where_its_folder_cannot_be_it_is_elsewhere() {
    let place = place(&many(20));
    fs::create_dir(place.path().join("tmp")).unwrap();
    let server = serve_with_own_tmp(&place, "one");
    until(&place, &server.url, ASKED, is_ready);
    assert_eq!(search(&server.url)["totalCount"], 20);
    assert_eq!(names_in(&place.path().join("tmp")).len(), 1);
    let (code, _) = server.end("-TERM");
    assert_eq!(code, Some(0));
    assert_eq!(names_in(&place.path().join("tmp")), [""; 0]);
}

#[test]
fn parts_are_put_together_while_nothing_happens() {
    let place = place(&many(200));
    let server = serve(&place);
    until(&place, &server.url, ASKED, is_ready);
    let index = place.path().join("callboard.db.search").join("index");
    let n_parts = || {
        let meta: Value =
            serde_json::from_slice(&fs::read(index.join("meta.json")).unwrap()).unwrap();
        meta["segments"].as_array().unwrap().len()
    };
    let mut most = 0;
    for number in 1..=4 {
        let changed = many(200 + number);
        fs::write(place.path().join("catalog/catalog-info.yaml"), changed).unwrap();
        until(&place, &server.url, ASKED, |answer| {
            answer["data"]["search"]["totalCount"] == 200 + number
        });
        most = most.max(n_parts());
    }
    assert!(most > 2, "{most}: every change has a part of its own");
    // One for what there was, and one for what has come.
    until(&place, &server.url, ASKED, |_| n_parts() <= 2);
    assert_eq!(search(&server.url)["totalCount"], 204);
    assert_eq!(server.end("-TERM").0, Some(0));
}

/// As in a container whose file system nobody may write: there is nothing to find, and everything else is there.
#[test]
fn without_any_folder_for_it_everything_else_is_served() {
    let place = place(&many(20));
    let server = serve_with_own_tmp(&place, "one");
    let is_told = |answer: &Value| answer["data"]["search"]["indexState"]["state"] == "FAILED";
    let answer = until(&place, &server.url, ASKED, is_told);
    let found = &answer["data"]["search"];
    assert_eq!(found["totalCount"], 0);
    let message = found["indexState"]["message"].as_str().unwrap();
    assert!(
        message.contains("one.db.search") && message.contains("tmp"),
        "{message}"
    );
    let count = json!({ "query": "{ entities { totalCount } }" }).to_string();
    assert_eq!(
        post(&server.url, &count)["data"]["entities"]["totalCount"],
        20
    );
    // Somebody mends it, and nothing is started again.
    fs::create_dir(place.path().join("tmp")).unwrap();
    until(&place, &server.url, ASKED, is_ready);
    assert_eq!(search(&server.url)["totalCount"], 20);
    assert_eq!(server.end("-TERM").0, Some(0));
}

/// A file system of its own in a mount namespace of its own, if this machine lets us: a disk of a megabyte, nearly full.
#[test]
fn without_room_for_it_queries_answer_and_it_is_made_when_there_is_some() {
    let place = place(&many(20));
    let folder = place.path().join("callboard.db.search");
    fs::create_dir(&folder).unwrap();
    let mount = "mount -t tmpfs -o size=1m tmpfs callboard.db.search && head -c 1048576 /dev/zero > callboard.db.search/filler; exec \"$@\"";
    let own_mounts = |command: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            mount,
            "sh",
        ]);
        unshare.args(command).current_dir(place.path());
        unshare.env("NO_PROXY", "127.0.0.1").stdin(Stdio::null());
        unshare
    };
    let can = own_mounts(&["test", "-s", "callboard.db.search/filler"])
        .stderr(Stdio::null())
        .status();
    if !can.is_ok_and(|status| status.success()) {
        say("SKIPPED: this machine lets nobody mount a small disk (`unshare --user --mount`)");
        return;
    }
    let binary = env!("CARGO_BIN_EXE_callboard");
    let server = Running::start(
        own_mounts(&[binary, "serve", "--listen", "127.0.0.1:0"]),
        false,
    );
    let is_failed = |answer: &Value| answer["data"]["search"]["indexState"]["state"] == "FAILED";
    let answer = until(&place, &server.url, ASKED, is_failed);
    let found = &answer["data"]["search"];
    assert_eq!(answer["errors"], Value::Null);
    assert!(found["indexState"]["message"].is_string(), "{answer}");
    let message = found["indexState"]["message"].as_str().unwrap();
    let here = place.path().to_string_lossy();
    assert!(!message.contains(&*here), "{message}");
    // Everything else goes on.
    let asked = json!({ "query": "{ components { totalCount } }" }).to_string();
    assert_eq!(
        post(&server.url, &asked)["data"]["components"]["totalCount"],
        20
    );
    let inside = PathBuf::from(format!("/proc/{}/root", server.id()));
    let filler = folder.join("filler");
    fs::remove_file(inside.join(filler.strip_prefix("/").unwrap())).unwrap();
    let is_whole =
        |answer: &Value| is_ready(answer) && answer["data"]["search"]["totalCount"] == 20;
    until(&place, &server.url, ASKED, is_whole);
    let (code, said) = server.end("-TERM");
    assert_eq!(code, Some(0));
    let told = "the search index cannot be written";
    assert!(said.matches(told).count() <= 1, "{said}");
}
