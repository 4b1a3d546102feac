//! A kernel before it meets a device: linked, reflected, and checked against its host side.

use super::link::{self, Linked};
use super::params::Params;
use super::reflect::{self, Reflection};
use crate::error::{Error, Result};

/// A checked kernel. One that is out of step with its host side cannot be made.
#[derive(Clone, Debug)]
pub struct Program {
    /// The kernel's name: its file, and in brackets what fills its slots.
    pub name: String,
    /// The linked WGSL.
    pub linked: Linked,
    /// What it declares.
    pub reflection: Reflection,
}

impl Program {
    /// Links the shader `root` with `slots`, and checks `P` against its `struct Params`.
    ///
    /// # Errors
    /// [`Error::Shader`] where it does not link, does not compile, or its parameters differ from `P`.
    pub fn new<P: Params>(root: &str, slots: &[(&str, &str)]) -> Result<Self> {
        let mut name = root.to_owned();
        if !slots.is_empty() {
            let filled: Vec<_> = slots.iter().map(|(_, file)| file.rsplit('/').next().unwrap_or(file)).collect();
            name = format!("{name}[{}]", filled.join(","));
        }
        let linked = link::link(root, slots)?;
        let (_, reflection) = reflect::reflect(&name, &linked)?;
        let program = Self { name, linked, reflection };
        program.check_params(P::FIELDS, size_of::<P>())?;
        Ok(program)
    }

    fn check_params(&self, host: &[(&str, usize)], host_bytes: usize) -> Result<()> {
        let fail = |message: String| {
            let file = format!("{}.wgsl", self.name.split('[').next().unwrap_or(&self.name));
            Err(Error::Shader { kernel: self.name.clone(), file, line: 0, message })
        };
        let shader = &self.reflection.params;
        for (i, (name, offset)) in shader.iter().enumerate() {
            match host.get(i) {
                Some(&(host_name, host_offset)) if host_name == name && host_offset == *offset => {}
                Some((host_name, host_offset)) => {
                    return fail(format!(
                        "Params: field {i} is `{name}` at byte {offset}, the host has `{host_name}` at byte {host_offset}"
                    ));
                }
                None => return fail(format!("Params: the host lacks field {i}, `{name}`")),
            }
        }
        if host.len() != shader.len() || host_bytes != self.reflection.params_bytes {
            return fail(format!(
                "Params: {} fields in {} bytes, the host has {} in {host_bytes}",
                shader.len(),
                self.reflection.params_bytes,
                host.len()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::params!(Renamed { units, first_unit, divisor });
    crate::params!(Short { units, unit_first });

    #[test]
    fn a_kernel_out_of_step_cannot_be_made() {
        let error = Program::new::<Renamed>("quantize/scale", &[]).unwrap_err().to_string();
        assert!(error.contains("`unit_first`") && error.contains("`first_unit`"), "{error}");
        let error = Program::new::<Short>("quantize/scale", &[]).unwrap_err().to_string();
        assert!(error.contains("`divisor`"), "{error}");
    }
}
