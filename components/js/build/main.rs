//! Makes the bindings from the Web IDL files of `webidl/`.

mod emit;
mod model;
mod overloads;
mod types;
mod unions;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../webidl");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", folder.display()))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "webidl"))
        .collect();
    files.sort();
    let mut model = model::Model::default();
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let text = fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()));
        let is_guide = file.file_stem().is_some_and(|stem| stem == "guide");
        model
            .add(&text, is_guide)
            .unwrap_or_else(|message| panic!("{}: {message}", file.display()));
    }
    model.complete();
    let bindings = emit::bindings(&model);
    let file = syn::parse2(bindings).expect("the generator writes Rust");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("bindings.rs");
    fs::write(&out, prettyplease::unparse(&file))
        .unwrap_or_else(|error| panic!("{} cannot be written: {error}", out.display()));
}
