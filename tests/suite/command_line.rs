use crate::support::{Place, answers, quick, quick_settings, stages, tables};
use serde_json::Value;
use spectral_alignment::digest::sha256;
use spectral_alignment::pipeline::run::results;
use spectral_alignment::plot::lint;
use spectral_alignment::spectrum::answer::QueryResult;
use spectral_alignment::stages::STAGES;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect()
}

#[test]
fn list_names_every_stage() {
    let place = Place::new();
    let rows = place.call(&["list", "--json"]).good().rows();
    assert_eq!(rows.iter().map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>(), stages());
    let on_request = rows.iter().filter(|row| row["on_request"].as_bool().unwrap());
    assert_eq!(on_request.map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>(), ["rank-law-map"]);
    for row in &rows {
        assert!(["theorem", "figure", "extension"].contains(&row["kind"].as_str().unwrap()));
        assert!(!row["title"].as_str().unwrap().is_empty());
        assert!(
            texts(&row["experiments"])
                .iter()
                .all(|name| ["gmm", "xor", "mlp"].contains(&name.split('-').next().unwrap()))
        );
        texts(&row["claims"]);
        assert!(!texts(&row["figures"]).is_empty());
    }
    let plain = place.call(&["list"]).good().out;
    assert!(stages().iter().all(|stage| plain.contains(stage)));
    assert!(!place.data().exists(), "a list needs no store");
}

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    for command in
        ["list", "run", "status", "why", "verify", "tables", "claims", "export", "report", "doctor", "gc"]
    {
        let help: crate::support::Answer = place.bare().args([command, "--help"]).output().unwrap().into();
        assert!(help.good().out.contains("--profile"), "{command}");
    }
    let nothing: crate::support::Answer = place.bare().output().unwrap().into();
    assert_eq!(nothing.status, Some(2));
}

#[test]
fn a_second_run_finds_everything_up_to_date() {
    let place = Place::copy_of(quick());
    let before = quick().digests(&stages(), &[]);
    let again = place.call(&["run"]).good();
    for stage in STAGES {
        // What is on request runs only where it is named.
        let said = again.out.contains(&format!("{}: up to date", stage.name));
        assert_eq!(said, !stage.on_request, "{again:?}");
    }
    let named = place.call(&["run", "rank-law-map"]).good();
    assert!(named.out.contains("rank-law-map: up to date"), "{named:?}");
    assert!(!again.out.contains("computed"), "{}", again.out);
    assert_eq!(place.digests(&stages(), &[]), before);
    for row in place.call(&["status", "--json"]).good().rows() {
        assert_eq!(row["status"], "up to date", "{row}");
    }
}

#[test]
fn a_run_draws_every_figure_and_answers_every_claim() {
    let folder = quick().figures().join("variants").join("quick");
    let mut claimed = Vec::new();
    for row in quick().call(&["list", "--json"]).good().rows() {
        for figure in texts(&row["figures"]) {
            assert!(
                fs::read_to_string(folder.join(format!("{figure}.svg"))).unwrap().starts_with("<svg"),
                "{figure}"
            );
            assert!(fs::read(folder.join(format!("{figure}.pdf"))).unwrap().starts_with(b"%PDF"), "{figure}");
            let caption = fs::read_to_string(folder.join(format!("{figure}.txt"))).unwrap();
            assert!(caption.contains("Parameters: ") && caption.contains("replicates: "), "{caption}");
        }
        claimed.extend(texts(&row["claims"]).into_iter().map(str::to_owned));
    }
    let claims = quick().call(&["claims", "--json"]).rows();
    assert_eq!(
        claims.iter().map(|claim| claim["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        claimed
    );
}

#[test]
fn figures_of_every_stage_have_no_lint() {
    let store = quick().store();
    let mut findings = Vec::new();
    for name in stages() {
        let (plan, manifest) = tables(&store, &quick_settings(), name);
        let results = results(&store, &quick_settings(), &plan, &manifest).unwrap();
        let figures = (plan.stage.draw)(&results).unwrap();
        assert_eq!(
            figures.iter().map(spectral_alignment::plot::Figure::name).collect::<Vec<_>>(),
            plan.stage.figures
        );
        for figure in figures {
            findings.extend(lint(&figure).into_iter().map(|finding| format!("{}: {finding}", figure.name())));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn images_and_a_contact_sheet_are_made_on_request() {
    let place = Place::copy_of(quick());
    let missing = place.call(&["contact-sheet"]);
    assert_eq!(missing.status, Some(3), "{missing:?}");
    place.call(&["run", "gmm-alignment", "--png"]).good();
    let folder = place.figures().join("variants").join("quick");
    let image = fs::read(folder.join("png").join("gmm-alignment.png")).unwrap();
    assert!(image.starts_with(b"\x89PNG"));
    place.call(&["contact-sheet"]).good();
    let sheet = fs::read_to_string(folder.join("contact-sheet.html")).unwrap();
    assert!(sheet.contains("gmm-alignment.svg") && !sheet.contains("gmm-snr-rates"));
}

/// The fields of a claim, and a verdict that follows from them.
fn check_claim(claim: &Value) {
    let number = |key: &str| claim[key].as_f64();
    let fields: BTreeSet<&str> = claim.as_object().unwrap().keys().map(String::as_str).collect();
    for field in [
        "id",
        "stage",
        "statement",
        "statistic",
        "measured",
        "low",
        "high",
        "relation",
        "bound",
        "replicates",
        "source",
        "verdict",
        "kind",
        "predicted",
        "bound_source",
        "bound_reason",
        "nulls",
        "level",
        "edition",
    ] {
        assert!(fields.contains(field), "{field} of {claim}");
    }
    assert!(
        !claim["statement"].as_str().unwrap().is_empty() && !claim["statistic"].as_str().unwrap().is_empty()
    );
    let verdict = claim["verdict"].as_str().unwrap();
    let told = !claim["reason"].as_str().unwrap_or_default().is_empty();
    assert!(told || !["not run", "too small to judge", "premise not met"].contains(&verdict), "{claim}");
    let (Some(measured), Some(low), Some(high)) = (number("measured"), number("low"), number("high")) else {
        assert_eq!(
            verdict == "too small to judge" || verdict == "not run",
            claim["low"].is_null(),
            "{claim}"
        );
        return;
    };
    assert!(claim["replicates"].as_u64().unwrap() >= 20, "{claim}");
    assert!(low <= measured && measured <= high, "{claim}");
    let end = |index: usize| number("bound").unwrap_or_else(|| claim["bound"][index].as_f64().unwrap());
    let complies = |low: f64, high: f64| match claim["relation"].as_str().unwrap() {
        "<=" => high <= end(0),
        ">=" => low >= end(0),
        "in" => low >= end(0) && high <= end(1),
        other => panic!("relation {other}"),
    };
    let breaks = match claim["relation"].as_str().unwrap() {
        "<=" => low > end(0),
        ">=" => high < end(0),
        _ => low > end(1) || high < end(0),
    };
    let nulls = claim["nulls"].as_array().unwrap();
    assert!(!nulls.is_empty() || claim["nulls_reason"].is_string(), "{claim}");
    for null in nulls {
        let holds = complies(null["low"].as_f64().unwrap(), null["high"].as_f64().unwrap());
        assert_eq!(null["would_hold"], holds, "{null} of {claim}");
    }
    let rejected = claim["p_value"].as_f64().is_some_and(|p| p < 1e-4);
    let expected = if breaks || rejected {
        "fails"
    } else if complies(low, high) && nulls.iter().all(|null| null["would_hold"] == false) {
        "holds"
    } else {
        "undecided"
    };
    let withdrawn = ["not run", "too small to judge", "premise not met"].contains(&verdict);
    assert!(verdict == expected || withdrawn, "{expected}: {claim}");
}

#[test]
fn claims_carry_their_fields_and_verdicts_follow_from_them() {
    let answer = quick().call(&["claims", "--json"]);
    let claims = answer.rows();
    let fails = claims.iter().any(|claim| claim["verdict"] == "fails");
    assert_eq!(answer.status, Some(i32::from(fails)));
    for claim in &claims {
        check_claim(claim);
        assert_eq!(claim["source"], "computed");
        // Claims are meant for larger experiments than these; what was measured is shown all the same.
        assert!(claim["verdict"] != "not run", "{claim}");
    }
}

#[test]
fn claims_of_nothing_computed_are_not_run() {
    let place = Place::new();
    let claims = place.call(&["claims", "--json"]).good().rows();
    assert!(!claims.is_empty());
    for claim in claims {
        check_claim(&claim);
        assert_eq!(claim["verdict"], "not run");
        assert!(claim["reason"].as_str().unwrap().contains(claim["stage"].as_str().unwrap()));
    }
}

#[test]
fn a_signal_ten_times_weaker_moves_what_is_measured() {
    let place = Place::copy_of(quick());
    let set = ["--set", "gmm.lambda=10", "--set", "gmm-k10.lambda=10", "--set", "gmm-lambda-10.lambda=1"];
    let changed = ["gmm-alignment", "gmm-outlier-space", "gmm-eigenvalues", "gmm-eigenvectors"];
    place.call(&[&["run"], &changed[..], &set].concat()).good();
    let intervals = |answer: Vec<Value>| -> BTreeMap<String, (String, [f64; 2])> {
        answer
            .into_iter()
            .filter_map(|claim| {
                check_claim(&claim);
                let stage = claim["stage"].as_str()?.to_owned();
                let ends = [claim["low"].as_f64()?, claim["high"].as_f64()?];
                changed
                    .contains(&stage.as_str())
                    .then(|| (claim["id"].as_str().unwrap().to_owned(), (stage, ends)))
            })
            .collect()
    };
    let before = intervals(place.call(&["claims", "--json"]).rows());
    let after = intervals(place.call(&[&["claims", "--json"], &set[..]].concat()).rows());
    // Predictions follow the parameters, but what is measured is elsewhere.
    let apart = |id: &&String| {
        let ([low, high], [from, to]) = (before[*id].1, after[*id].1);
        high < from || to < low
    };
    let moved: Vec<&String> = after.keys().filter(|id| before.contains_key(*id)).filter(apart).collect();
    let stages: BTreeSet<&String> = moved.iter().map(|id| &after[*id].0).collect();
    assert!(moved.len() >= 4 && stages.len() >= 2, "{moved:?} of {stages:?} moved");
}

#[test]
fn tables_name_their_files_and_digests() {
    for stage in stages() {
        let rows = quick().call(&["tables", stage, "--json"]).good().rows();
        assert!(rows.iter().any(|row| row["table"] == "replicates"), "{stage}");
        for row in rows {
            let path = Path::new(row["path"].as_str().unwrap());
            assert!(path.is_absolute());
            let bytes = fs::read(path).unwrap();
            assert_eq!(row["sha256"], sha256(&bytes), "{row}");
            let table = spectral_alignment::table::Table::from_parquet_bytes("t", &bytes).unwrap();
            assert_eq!(row["values_sha256"], table.values_digest().unwrap());
            assert_eq!(row["rows"], table.rows());
            promised_columns(row["table"].as_str().unwrap(), &table.columns(), stage);
        }
    }
}

/// The long format that outside programs read.
fn promised_columns(table: &str, columns: &[&str], stage: &str) {
    let promised: &[&str] = match table {
        "alignment" => {
            &["experiment", "replicate", "step", "time", "layer", "row", "sample", "subspace", "value"]
        }
        "spectrum" => &[
            "experiment",
            "replicate",
            "step",
            "time",
            "sample",
            "matrix",
            "layer",
            "row",
            "col",
            "rank",
            "eigenvalue",
            "residual",
        ],
        _ => &[],
    };
    for column in promised {
        assert!(columns.contains(column), "{stage}: {table} has no {column}: {columns:?}");
    }
}

#[test]
fn stored_residuals_are_at_most_a_trillionth_of_the_norm() {
    let store = quick().store();
    let mut seen = 0;
    for answer in answers(&store).into_values() {
        if let QueryResult::Pairs(both) = answer {
            for pair in both.iter().flatten() {
                seen += 1;
                assert!(pair.residual <= 1e-12);
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn status_tells_missing_from_stale_from_up_to_date() {
    let place = Place::new();
    let status = |more: &[&str]| {
        let rows = place.call(&[&["status", "--json"], more].concat()).good().rows();
        rows.iter()
            .map(|row| {
                (row["stage"].as_str().unwrap().to_owned(), row["status"].as_str().unwrap().to_owned())
            })
            .collect::<Vec<_>>()
    };
    assert!(status(&[]).iter().all(|(_, state)| state == "missing"));
    let small = ["--set", "gmm.replicates=2", "--set", "gmm-lambda-10.replicates=2"];
    place.call(&[&["run", "gmm-spectrum"], &small[..]].concat()).good();
    for (stage, state) in status(&small) {
        assert_eq!(state, if stage == "gmm-spectrum" { "up to date" } else { "missing" }, "{stage}");
    }
    for (stage, state) in status(&[]) {
        assert_eq!(state, if stage == "gmm-spectrum" { "stale" } else { "missing" }, "{stage}");
    }
    place.call(&["tables", "gmm-spectrum"]).refused(3, &["gmm-spectrum", "run"]);
    place.call(&["tables", "gmm-alignment", "--json"]).refused(3, &["gmm-alignment"]);
}

#[test]
fn fewer_than_twenty_replicates_give_no_verdict() {
    let place = Place::new();
    let set = ["--set", "gmm.replicates=2", "--set", "gmm-lambda-10.replicates=2"];
    place.call(&[&["run", "gmm-alignment"], &set[..]].concat()).good();
    let claims = place.call(&[&["claims", "--json"], &set[..]].concat()).good().rows();
    let few =
        |claim: &&Value| claim["stage"] == "gmm-alignment" && texts(&claim["experiments"]).contains(&"gmm");
    assert!(claims.iter().any(|claim| few(&claim)));
    for claim in claims.iter().filter(few) {
        check_claim(claim);
        assert_eq!(claim["verdict"], "too small to judge");
        assert!(claim["reason"].as_str().unwrap().contains("2 replicates"), "{claim}");
    }
}

#[test]
fn unknown_names_get_the_nearest_and_status_2() {
    let place = Place::new();
    place.call(&["run", "gmm-alignmnet"]).refused(2, &["gmm-alignmnet", "did you mean `gmm-alignment`"]);
    place.call(&["run", "gmm-snr", "zzzzzz"]).refused(2, &["zzzzzz", "gmm-snr"]);
    place.call(&["tables", "gmm-spectrun"]).refused(2, &["gmm-spectrun", "did you mean `gmm-spectrum`"]);
    place.call(&["run", "--set", "gmm.lamda=3"]).refused(2, &["lamda", "did you mean `lambda`"]);
    place.call(&["run", "--set", "gmn.lambda=3"]).refused(2, &["gmn", "did you mean `gmm`"]);
    place.call(&["run", "gmm-spectrum", "--set", "nothing.lambda=3"]).refused(2, &["nothing"]);
    let export = |name: &str, replicate: &str, checkpoint: &str| {
        let out = place.path().join("out");
        place.call(&[
            "export",
            name,
            "--replicate",
            replicate,
            "--checkpoint",
            checkpoint,
            "--out",
            out.to_str().unwrap(),
        ])
    };
    export("gmmm", "0", "last").refused(2, &["gmmm", "did you mean `gmm`"]);
    export("gmm", "20", "last").refused(2, &["--replicate = 20", "0 to 19"]);
    export("gmm", "0", "13").refused(2, &["--checkpoint = 13", "0 to 12"]);
    for checkpoint in ["first", "-1", "1.5", ""] {
        let answer = export("gmm", "0", checkpoint);
        assert_eq!(answer.status, Some(2), "{answer:?}");
    }
    place.call(&["run", "--jobs", "0"]).refused(2, &["--jobs = 0"]);
    for unknown in
        [&["runn"][..], &["run", "--porfile", "x"], &["run", "--jobs", "-1"], &["run", "--seed", "x"]]
    {
        assert_eq!(place.call(unknown).status, Some(2), "{unknown:?}");
    }
}

#[test]
fn bad_parameters_are_refused_with_name_value_and_status_2() {
    let place = Place::new();
    for (set, words) in [
        ("gmm.lambda=NaN", "gmm.lambda = NaN"),
        ("gmm.lambda=-1", "gmm.lambda = -1"),
        ("gmm.lambda=0", "gmm.lambda = 0"),
        ("gmm.lambda=inf", "gmm.lambda = inf"),
        ("gmm.beta=-0.1", "gmm.beta = -0.1"),
        ("gmm.beta=nan", "gmm.beta = nan"),
        ("gmm.c=0", "gmm.c = 0"),
        ("gmm.phi=0", "gmm.phi = 0"),
        ("gmm.phi=1e9", "gmm.phi = 1000000000"),
        ("gmm.horizon=0", "gmm.horizon = 0"),
        ("gmm.k=101", "gmm.k = 101"),
        ("gmm.k=1", "gmm.k = 1"),
        ("gmm.d=4", "gmm.k = 5"),
        ("gmm.d=-1", "gmm.d = -1"),
        ("gmm.width=8", "gmm.width = 8"),
        ("gmm.checkpoints=4", "gmm.checkpoints = 4"),
        ("gmm.replicates=0", "gmm.replicates = 0"),
        ("gmm.replicates=two", "gmm.replicates = two"),
        ("gmm-snr-lambda-30.lambda=-2", "gmm-snr-lambda-30.lambda = -2"),
        ("gmm.lambda", "gmm.lambda"),
        ("lambda=3", "lambda=3"),
        ("gmm.=3", "gmm.=3"),
        ("=", "="),
        ("", "EXPERIMENT.KEY=VALUE"),
    ] {
        for command in [&["run"][..], &["list"], &["claims"], &["status"]] {
            place.call(&[command, &["--set", set]].concat()).refused(2, &[words]);
        }
    }
    assert!(!place.data().exists(), "nothing is written before parameters are checked");
}

/// More memory than a matrix may take is refused like any parameter, not met with an abort.
#[test]
fn a_matrix_too_large_for_memory_is_refused() {
    let place = Place::new();
    for set in [["gmm.d=1000000", "gmm.phi=1e-6"], ["gmm.d=200000", "gmm.phi=1e-5"]] {
        place.call(&["list", "--set", set[0], "--set", set[1]]).refused(2, &["gmm.d"]);
    }
}

/// A grid whose stage takes five checkpoints needs no steps for thirteen.
#[test]
fn a_short_horizon_that_has_room_for_the_checkpoints_is_accepted() {
    Place::new().call(&["list", "--set", "gmm-snr-lambda-1.horizon=1"]).good();
}

#[test]
fn extreme_but_valid_parameters_end_well() {
    let base = ["gmm.replicates=2", "gmm-lambda-10.replicates=2", "gmm-k10.replicates=2"];
    let mut bad = Vec::new();
    for set in [
        "gmm.k=2",
        "gmm.d=5",
        "gmm.d=6",
        "gmm.phi=0.02",
        "gmm.phi=0.3",
        "gmm.lambda=1e-6",
        "gmm.lambda=1e12",
        "gmm.beta=0",
        "gmm.checkpoints=5",
        "gmm.c=50",
        "gmm.replicates=1",
    ] {
        let place = Place::new();
        let mut arguments = vec![
            "run",
            "gmm-alignment",
            "gmm-outlier-space",
            "gmm-eigenvalues",
            "gmm-eigenvectors",
            "gmm-spectrum",
        ];
        for change in base.iter().chain([&set]) {
            arguments.extend(["--set", *change]);
        }
        let answer = place.call(&arguments);
        if answer.status != Some(0) {
            let error = answer
                .err
                .lines()
                .rfind(|line| line.starts_with("error") || line.contains("panicked"))
                .unwrap_or_default()
                .to_owned();
            bad.push(format!("--set {set}: status {:?}: {error}", answer.status));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn folders_that_cannot_be_used_are_refused_with_status_3() {
    let place = Place::new();
    let file = place.path().join("file");
    fs::write(&file, "x").unwrap();
    for (data, figures) in [
        (file.clone(), place.figures()),
        (file.join("below"), place.figures()),
        ("/proc/spectral-alignment".into(), place.figures()),
        (place.data(), file.clone()),
        (place.data(), file.join("below")),
    ] {
        let named = if data == place.data() { &figures } else { &data };
        let mut command = place.bare();
        command.args([
            "run",
            "gmm-spectrum",
            "--profile",
            "quick",
            "--set",
            "gmm.replicates=1",
            "--set",
            "gmm-lambda-10.replicates=1",
        ]);
        let answer: crate::support::Answer =
            command.arg("--data").arg(&data).arg("--figures").arg(&figures).output().unwrap().into();
        answer.refused(3, &[named.to_str().unwrap()]);
    }
    for command in [&["status"][..], &["claims"], &["tables", "gmm-snr"]] {
        let answer: crate::support::Answer = place
            .bare()
            .args(command)
            .args(["--profile", "quick", "--data"])
            .arg(&file)
            .arg("--figures")
            .arg(place.figures())
            .output()
            .unwrap()
            .into();
        answer.refused(3, &[file.to_str().unwrap()]);
    }
    let lock = place.path().join("broken");
    fs::create_dir(&lock).unwrap();
    fs::write(lock.join("figures.lock"), "{").unwrap();
    let answer: crate::support::Answer = place
        .bare()
        .args(["claims", "--data"])
        .arg(place.data())
        .arg("--figures")
        .arg(&lock)
        .output()
        .unwrap()
        .into();
    answer.refused(3, &["figures.lock"]);
}

/// The four ways to diverge: before the first checkpoint, between two, with parameters near the largest number at a
/// stored one, and with so large ones that only their squares are infinite.
#[test]
fn divergence_is_named_and_leaves_other_stages_alone() {
    let before = quick().digests(&["gmm-snr"], &[]);
    let mut bad = Vec::new();
    for set in [
        ["gmm.beta=1e300", "gmm.horizon=2"],
        ["gmm.beta=25000", "gmm.horizon=20"],
        ["gmm.beta=250", "gmm.horizon=40"],
        ["gmm.c=1e6", "gmm.horizon=1e7"],
    ] {
        let place = Place::copy_of(quick());
        let set = ["--set", set[0], "--set", set[1]];
        let run = place.call(&[&["run"], &set[..]].concat());
        let what = set.join(" ");
        let parameters = set[1].strip_prefix("gmm.").unwrap().split_once('=').unwrap();
        if run.status != Some(0) {
            bad.push(format!(
                "{what}: status {:?}: {}",
                run.status,
                run.err.lines().last().unwrap_or_default()
            ));
            continue;
        }
        for word in ["diverged at step", parameters.0, "gmm, replicate 0"] {
            assert!(run.err.contains(word), "{what}: `{word}` is missing: {:?}", run.err.lines().next());
        }
        for claim in place.call(&[&["claims", "--json"], &set[..]].concat()).rows() {
            check_claim(&claim);
            let (stage, reason) =
                (claim["stage"].as_str().unwrap(), claim["reason"].as_str().unwrap_or_default());
            let told =
                claim["verdict"] == "not run" && reason.contains("diverged in replicate 0 of gmm at step");
            let diverged = claim["experiments"].as_array().unwrap().contains(&"gmm".into());
            if ["gmm-snr", "bbp-transition"].contains(&stage) {
                assert!(claim["verdict"] != "not run", "{claim}");
            } else if diverged && !told {
                bad.push(format!("{what}: {} is `{}`: {reason}", claim["id"], claim["verdict"]));
            }
        }
        assert_eq!(place.digests(&["gmm-snr"], &set), before, "{what}");
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn set_options_are_told_apart_by_key_and_the_last_one_counts() {
    let place = Place::new();
    let small = ["--set", "gmm.replicates=1", "--set", "gmm-lambda-10.replicates=1"];
    let digests = |more: &[&str]| {
        let more = [&small[..], more].concat();
        place.call(&[&["run", "gmm-spectrum"], &more[..]].concat()).good();
        place.digests(&["gmm-spectrum"], &more)
    };
    let plain = digests(&[]);
    let changed = digests(&["--set", "gmm.beta=0.1"]);
    assert_ne!(plain, changed);
    assert_eq!(digests(&["--set", "gmm.beta=0.3", "--set", "gmm.beta=0.1"]), changed);
    assert_eq!(digests(&["--set", "gmm.beta=0.1000"]), changed, "the value counts, not how it is written");
    assert_eq!(digests(&["--set", "gmm.beta=0.05"]), plain);
    assert_ne!(digests(&["--seed", "1000"]), plain);
}
