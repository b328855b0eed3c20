use crate::support::{Answer, Place};
use std::fs;
use std::path::Path;

const SMALL: &str = "[gmm]\nreplicates = 1\nbeta = 0.1 # a comment\n\n[gmm-lambda-10]\nreplicates = 1\n";
const SET: [&str; 6] =
    ["--set", "gmm.replicates=1", "--set", "gmm.beta=0.1", "--set", "gmm-lambda-10.replicates=1"];

fn variants(place: &Place) -> Vec<std::path::PathBuf> {
    let folder = place.figures().join("variants");
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_file_of_overrides_means_what_set_means() {
    let place = Place::new();
    let file = place.path().join("small.toml");
    fs::write(&file, SMALL).unwrap();
    let from_file = ["--overrides", file.to_str().unwrap()];
    place.call(&[&["run", "gmm-spectrum"], &from_file[..]].concat()).good();
    let digests = place.digests(&["gmm-spectrum"], &from_file);
    assert_eq!(place.digests(&["gmm-spectrum"], &SET), digests, "--set finds what the file has made");
    // An option goes before the file.
    place
        .call(&[&["tables", "gmm-spectrum"], &from_file[..], &["--set", "gmm.beta=0.2"]].concat())
        .refused(3, &["run"]);
    // The variant says what was changed, and is a file of overrides itself.
    let [folder] = variants(&place).try_into().unwrap();
    assert!(folder.join("gmm-spectrum.svg").exists());
    let written = folder.join("overrides.toml");
    let again = ["--overrides", written.to_str().unwrap()];
    assert_eq!(place.digests(&["gmm-spectrum"], &again), digests);
    assert_eq!(
        place.call(&[&["claims", "--json"], &again[..]].concat()).out,
        place.call(&[&["claims", "--json"], &SET[..]].concat()).out
    );
}

#[test]
fn claims_say_what_was_overridden() {
    let place = Place::new();
    let claims = place
        .call(&["claims", "--json", "--set", "gmm-k10.lambda=3", "--set", "gmm-k10.beta=0.1"])
        .good()
        .rows();
    let mut said = 0;
    for claim in claims {
        let reason = claim["reason"].as_str().unwrap_or_default();
        let uses = claim["stage"] == "gmm-outlier-space" || reason.contains("gmm-k10");
        assert_eq!(reason.contains("with gmm-k10.beta=0.1, gmm-k10.lambda=3"), uses, "{claim}");
        said += usize::from(uses);
    }
    assert!(said >= 3, "{said}");
}

#[test]
fn overrides_at_full_size_leave_committed_figures_alone() {
    let place = Place::new();
    fs::create_dir_all(place.figures()).unwrap();
    let committed = place.figures().join("gmm-spectrum.svg");
    fs::write(&committed, "committed").unwrap();
    let mut command = place.bare();
    command.args(["run", "gmm-spectrum", "--data"]).arg(place.data()).arg("--figures").arg(place.figures());
    for experiment in ["gmm", "gmm-lambda-10"] {
        command.args([
            "--set",
            &format!("{experiment}.d=40"),
            "--set",
            &format!("{experiment}.replicates=1"),
        ]);
    }
    Answer::from(command.output().unwrap()).good();
    assert_eq!(fs::read_to_string(&committed).unwrap(), "committed");
    assert!(!place.figures().join("figures.lock").exists() && !place.figures().join("values").exists());
    let [folder] = variants(&place).try_into().unwrap();
    assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("paper-set-"));
    assert!(folder.join("gmm-spectrum.svg").exists());
}

#[test]
fn a_bad_file_is_refused_with_the_name_in_it() {
    let place = Place::new();
    let call = |path: &Path| place.call(&["run", "--overrides", path.to_str().unwrap()]);
    let file = place.path().join("bad.toml");
    for (text, words) in [
        ("[gmm]\nlambda = \"10\"", &["gmm.lambda", "string"][..]),
        ("[gmm]\nlambda = true", &["gmm.lambda", "boolean"]),
        ("[gmm]\nlambda = [1]", &["gmm.lambda", "array"]),
        ("[gmm.more]\nlambda = 1", &["gmm.more", "table"]),
        ("lambda = 10", &["lambda", "[gmm]"]),
        ("[gmm]\nlambda = 1\nlambda = 2", &["bad.toml", "duplicate"]),
        ("[gmm", &["bad.toml"]),
        ("[gmm]\nlambda = nan", &["gmm.lambda = NaN"]),
        ("[gmm]\nlambda = inf", &["gmm.lambda = inf"]),
        ("[gmm]\nlambda = -1", &["gmm.lambda = -1"]),
        ("[gmm]\nd = 100.5", &["gmm.d = 100.5"]),
        ("[gmm]\nlamda = 1", &["lamda", "did you mean `lambda`"]),
        ("[gmn]\nlambda = 1", &["gmn", "did you mean `gmm`"]),
    ] {
        fs::write(&file, text).unwrap();
        call(&file).refused(2, words);
    }
    fs::write(&file, [0xff, 0xfe]).unwrap();
    call(&file).refused(2, &["bad.toml", "UTF-8"]);
    call(&place.path().join("none.toml")).refused(3, &["none.toml"]);
    assert!(!place.data().exists(), "nothing is written before parameters are checked");
}
