//! What a linked shader declares, read from naga: bindings, the layout of `Params`, the size of a workgroup.

use wgpu::naga::{self, AddressSpace, Literal, Override, StorageAccess, TypeInner};

use super::link::Linked;
use crate::error::{Error, Result};

/// What only those shaders use that are chosen for a device that has it.
const OPTIONAL: naga::valid::Capabilities = naga::valid::Capabilities::SUBGROUP.union(naga::valid::Capabilities::SHADER_INT64);

/// How a shader uses one of its bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A uniform buffer.
    Uniform,
    /// A storage buffer that is only read.
    Read,
    /// A storage buffer that is written.
    Write,
}

/// A binding of group 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The variable's name in WGSL.
    pub name: String,
    /// Its `@binding` number.
    pub number: u32,
    /// How it is used.
    pub access: Access,
}

/// What a shader declares.
#[derive(Clone, Debug)]
pub struct Reflection {
    /// The bindings by number.
    pub bindings: Vec<Binding>,
    /// The fields of `struct Params` and their byte offsets.
    pub params: Vec<(String, usize)>,
    /// The size of `struct Params` in bytes.
    pub params_bytes: usize,
    /// Invocations in a workgroup.
    pub workgroup: u32,
}

/// Parses, validates and reads a linked shader.
///
/// # Errors
/// [`Error::Shader`] with the file and line of what is wrong.
pub fn reflect(kernel: &str, linked: &Linked) -> Result<(naga::Module, Reflection)> {
    let fail = |line: usize, message: String| {
        let (file, line) = linked.place(line);
        Error::Shader { kernel: kernel.into(), file: format!("{file}.wgsl"), line, message }
    };
    let module = naga::front::wgsl::parse_str(&linked.text)
        .map_err(|e| fail(e.location(&linked.text).map_or(0, |l| l.line_number as usize), e.message().to_owned()))?;
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), OPTIONAL | naga::valid::Capabilities::default())
        .validate(&module)
        .map_err(|e| {
            let line = e.location(&linked.text).map_or(0, |l| l.line_number as usize);
            fail(line, e.emit_to_string(&linked.text))
        })?;

    let mut bindings = Vec::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(binding) = &variable.binding else { continue };
        let access = match variable.space {
            AddressSpace::Uniform => Access::Uniform,
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => Access::Write,
            AddressSpace::Storage { .. } => Access::Read,
            _ => continue,
        };
        let name = variable.name.clone().unwrap_or_default();
        if binding.group != 0 {
            return Err(fail(0, format!("binding {name} is in group {}, kernels here use group 0", binding.group)));
        }
        bindings.push(Binding { name, number: binding.binding, access });
    }
    bindings.sort_by_key(|b| b.number);

    let mut params = Vec::new();
    let mut params_bytes = 0;
    for (_, ty) in module.types.iter() {
        if let (Some("Params"), TypeInner::Struct { members, span }) = (ty.name.as_deref(), &ty.inner) {
            params = members.iter().map(|m| (m.name.clone().unwrap_or_default(), m.offset as usize)).collect();
            params_bytes = *span as usize;
        }
    }
    let workgroup = workgroup(&module).ok_or_else(|| fail(0, "no entry point `main` with a workgroup size".into()))?;
    Ok((module, Reflection { bindings, params, params_bytes, workgroup }))
}

fn workgroup(module: &naga::Module) -> Option<u32> {
    let entry = module.entry_points.iter().find(|e| e.name == "main")?;
    let Some(expression) = entry.workgroup_size_overrides.and_then(|sizes| sizes[0]) else {
        return Some(entry.workgroup_size[0]);
    };
    match module.global_expressions[expression] {
        naga::Expression::Override(handle) => default_of(module, &module.overrides[handle]),
        naga::Expression::Literal(Literal::U32(value)) => Some(value),
        _ => None,
    }
}

fn default_of(module: &naga::Module, size: &Override) -> Option<u32> {
    match module.global_expressions[size.init?] {
        naga::Expression::Literal(Literal::U32(value)) => Some(value),
        _ => None,
    }
}
