//! A kernel that is given the wrong things says so.

use weighbridge::gpu::Params;

use crate::data::gpu;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Copy {
    quads: u32,
}

impl Params for Copy {
    const FIELDS: &'static [(&'static str, usize)] = &[("quads", 0)];
}

#[test]
fn bindings_are_checked_by_name() {
    let kernel = gpu().kernel::<Copy>("copy", &[]).unwrap();
    let buffer = gpu().buffer::<u32>("scratch/names", 64).unwrap();
    let mut recording = gpu().record("names");
    let error = recording.dispatch(&kernel, &Copy { quads: 1 }, &[("source", buffer.window())], 1).unwrap_err();
    assert!(error.to_string().contains("nothing is bound to `values`"), "{error}");
    let windows = [("source", buffer.window()), ("values", buffer.window()), ("weights", buffer.window())];
    let error = recording.dispatch(&kernel, &Copy { quads: 1 }, &windows, 1).unwrap_err();
    assert!(error.to_string().contains("no binding `weights`") && error.to_string().contains("source"), "{error}");
}

#[test]
fn timestamps_where_offered() {
    let kernel = gpu().kernel::<Copy>("copy", &[]).unwrap();
    let (from, to) =
        (gpu().buffer::<u32>("scratch/from", 1 << 20).unwrap(), gpu().buffer::<u32>("scratch/to", 1 << 20).unwrap());
    let mut recording = gpu().record("timed");
    recording.timed();
    let windows = [("source", from.window()), ("values", to.window())];
    recording.dispatch(&kernel, &Copy { quads: 1 << 18 }, &windows, 1 << 18).unwrap();
    let took = recording.run().unwrap().nanoseconds;
    let offered = gpu().info().features.contains(&"timestamp-query");
    assert_eq!(took.is_some(), offered);
    assert!(took.is_none_or(|t| t > 0.0 && t < 1e10), "{took:?}");
}
