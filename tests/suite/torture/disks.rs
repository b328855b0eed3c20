use super::{STAGE, call, command, digests, heals, undisturbed};
use crate::support::{Answer, Place};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

#[cfg(feature = "faults")]
const FAIL_AT: &str = "SPECTRAL_ALIGNMENT_FAIL_AT";

#[test]
#[cfg(feature = "faults")]
fn a_full_or_broken_disk_loses_nothing() {
    for (step, words) in [
        ("write:1:full", "make room"),
        ("write:5:full", "make room"),
        ("move:2:full", "make room"),
        ("move:4:full", "make room"),
        ("flush:1:broken", "broken"),
        ("flush:9:broken", "broken"),
    ] {
        let place = Place::new();
        let answer = Answer::from(command(&place, &["run", STAGE]).env(FAIL_AT, step).output().unwrap());
        answer.refused(3, &[words, place.data().to_str().unwrap()]);
        heals(&place, step);
    }
}

/// The program behind a shell that sets limits; nothing where the shell cannot.
fn limited(place: &Place, script: &str, arguments: &[&str]) -> Answer {
    let inner = command(place, arguments);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, "sh"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(place.path());
    shell.output().unwrap().into()
}

#[test]
fn files_that_may_not_grow_are_refused_clearly() {
    let place = Place::new();
    // In blocks of 512 or 1024 bytes.
    let answer = limited(&place, "trap '' XFSZ; ulimit -f 8; exec \"$@\"", &["run", STAGE]);
    answer.refused(3, &["make room", place.data().to_str().unwrap()]);
    heals(&place, "a limit on the size of files");
}

#[test]
#[ignore = "needs the right to mount: just torture"]
fn a_disk_that_is_really_full_loses_nothing() {
    let place = Place::new();
    fs::create_dir(place.data()).unwrap();
    // The small file system is gone with the last process that sees it: everything happens in one script.
    let script = "mount -t tmpfs -o size=200k none data || exit 77
        \"$@\" && exit 10
        test $? = 3 || exit 11
        mount -o remount,size=100m data || exit 77
        \"$@\" || exit 12
        cp -R data copy";
    let inner = command(&place, &["run", STAGE]);
    let mut outer = Command::new("unshare");
    outer.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    outer.arg(inner.get_program()).args(inner.get_args()).current_dir(place.path());
    let answer = Answer::from(outer.output().unwrap());
    if answer.status == Some(77) || (answer.status == Some(1) && answer.err.contains("unshare")) {
        eprintln!("not checked, for want of the right to mount: {}", answer.err);
        return;
    }
    assert_eq!(answer.status, Some(0), "{answer:?}");
    assert!(answer.err.contains("make room"), "{answer:?}");
    fs::remove_dir(place.data()).unwrap();
    fs::rename(place.path().join("copy"), place.data()).unwrap();
    assert_eq!(digests(&place), undisturbed().1);
}

/// Gives everything below a folder this mode.
fn set_mode(path: &Path, mode: u32) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            set_mode(&entry.unwrap().path(), mode);
        }
    }
    let executable = if path.is_dir() { mode } else { mode & !0o111 };
    fs::set_permissions(path, fs::Permissions::from_mode(executable)).unwrap();
}

/// The program as somebody whom modes bind, in a folder that everybody can enter.
fn bound(program: &Path, place: &Path, arguments: &[&str]) -> Answer {
    let mut command = Command::new(program);
    command.args(arguments).args(["--profile", "quick", "--data", "data", "--figures", "figures"]);
    command.args(super::SMALL).current_dir(place);
    if fs::metadata(place).unwrap().uid() == 0 {
        command.uid(65534);
    }
    command.output().unwrap().into()
}

#[test]
fn a_store_that_may_not_be_read_or_written_is_refused_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = folder.path().join("program");
    fs::copy(env!("CARGO_BIN_EXE_spectral-alignment"), &program).unwrap();
    crate::support::copy(&undisturbed().0.data(), &data);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for mode in [0o555, 0o000] {
        set_mode(&data, mode);
        for command in [&["run", STAGE][..], &["doctor"], &["gc"]] {
            let answer = bound(&program, folder.path(), command);
            answer.refused(3, &["--data", data.to_str().unwrap()]);
        }
        // Questions need no right to write.
        for command in [&["claims"][..], &["tables", STAGE]] {
            let answer = bound(&program, folder.path(), command);
            if mode == 0 {
                answer.refused(3, &["--data", data.to_str().unwrap()]);
            } else {
                answer.good();
            }
        }
        // Only the owner of the folders may give rights, and reads on the way.
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    }
    Command::new("chmod").args(["-R", "u+rwX"]).arg(&data).status().unwrap();
    let place = Place::new();
    crate::support::copy(&data, &place.data());
    let run = heals(&place, "modes");
    assert!(run.out.contains("up to date") && !run.err.contains("damaged"), "{run:?}");
    call(&place, &["status"]).good();
}
