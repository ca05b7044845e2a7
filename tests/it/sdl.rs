//! The schema language: files in, diagnostics and the composed SDL out.

use callboard::sdl;

#[test]
fn core_schema_loads_clean_and_prints_as_before() {
    let (model, problems) = sdl::load(&sdl::core_files());
    let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(listed, Vec::<String>::new());
    let model = model.expect("a load without errors yields a Model");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/schema.graphql");
    let before = std::fs::read_to_string(golden).unwrap_or_default();
    if *before != *model.sdl {
        std::fs::write(golden, &*model.sdl).expect("the golden file can be written");
        panic!(
            "the printed schema differs from tests/golden/schema.graphql, which now holds the new one: review it"
        );
    }
}
