//! A small stage in a folder of committed figures of its own.

use crate::support::Place;
use spectral_alignment::error::Result;
use spectral_alignment::pipeline::run::{RunOptions, run};
use spectral_alignment::published::Figures;
use spectral_alignment::published::publish::{publish, record};
use spectral_alignment::scaffold::template::report::STAGE as TEMPLATE;
use spectral_alignment::stage::request::Request;
use spectral_alignment::stage::{Profile, Settings, Stage};

/// The template of new stages, which is as small at full size as in the quick profile.
pub static SMALL: Stage = Stage { plan: small, ..TEMPLATE };

pub fn small(settings: &Settings) -> Result<Vec<Request>> {
    (TEMPLATE.plan)(&Settings { profile: Profile::Quick, ..settings.clone() })
}

pub fn paper() -> Settings {
    Settings {
        profile: Profile::Paper,
        seed: spectral_alignment::published::DEFAULT_SEED,
        overrides: Vec::new(),
    }
}

pub const EFFORT: RunOptions = RunOptions { jobs: 2, force: false };

/// A place where the stage is computed and committed in both profiles.
pub fn committed_place(stage: &'static Stage) -> (Place, Figures) {
    let place = Place::new();
    let (store, figures) = (place.store(), Figures::at(&place.figures()));
    let done = run(&[stage], &[stage], &store, &paper(), EFFORT).unwrap();
    publish(&figures, &store, &paper(), &done).unwrap();
    let quick = Settings { profile: Profile::Quick, ..paper() };
    let done = run(&[stage], &[stage], &store, &quick, EFFORT).unwrap();
    record(&figures, &store, &quick, &done).unwrap();
    (place, figures)
}
