//! All conformance tests in one binary, which is built sooner than thirty: for mutation testing (`mutants.md`).

#[path = "../arguments.rs"]
mod arguments;
#[path = "../background_fetch.rs"]
mod background_fetch;
#[path = "../complete_record.rs"]
mod complete_record;
#[path = "../contains.rs"]
mod contains;
#[path = "../content_range.rs"]
mod content_range;
#[path = "../create_record_objects.rs"]
mod create_record_objects;
#[path = "../display.rs"]
mod display;
#[path = "../event.rs"]
mod event;
#[path = "../fire_click_event.rs"]
mod fire_click_event;
#[path = "../get_instance.rs"]
mod get_instance;
#[path = "../inspect.rs"]
mod inspect;
#[path = "../integrity.rs"]
mod integrity;
#[path = "../late_calls.rs"]
mod late_calls;
#[path = "../lifetimes.rs"]
mod lifetimes;
#[path = "../lying_servers.rs"]
mod lying_servers;
#[path = "../manager.rs"]
mod manager;
#[path = "../perform.rs"]
mod perform;
#[path = "../promises/main.rs"]
mod promises;
#[path = "../record.rs"]
mod record;
#[path = "../registration.rs"]
mod registration;
#[path = "../request_bodies.rs"]
mod request_bodies;
#[path = "../request_policy.rs"]
mod request_policy;
#[path = "../restart.rs"]
mod restart;
#[path = "../resume.rs"]
mod resume;
#[path = "../resume_upload.rs"]
mod resume_upload;
#[path = "../retry.rs"]
mod retry;
#[path = "../retry_statuses.rs"]
mod retry_statuses;
#[path = "../scheduler.rs"]
mod scheduler;
#[path = "../seam.rs"]
mod seam;
#[path = "../seam_in_binary.rs"]
mod seam_in_binary;
#[path = "../service_worker_registration.rs"]
mod service_worker_registration;
#[path = "../simulation.rs"]
mod simulation;
#[path = "../storage_faults.rs"]
mod storage_faults;
#[path = "../threads.rs"]
mod threads;
#[path = "../update_instances.rs"]
mod update_instances;
#[path = "../validate_partial_response.rs"]
mod validate_partial_response;
#[path = "../webdriver.rs"]
mod webdriver;
#[path = "../webidl.rs"]
mod webidl;

#[test]
fn every_test_file_is_here() {
    let here = include_str!("main.rs");
    let files =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).expect("the tests are there");
    for file in files {
        let path = file.expect("a file has a name").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a module's name");
        assert!(
            name == "all" || here.contains(&format!("mod {name};\n")),
            "{name} is missing"
        );
    }
}
