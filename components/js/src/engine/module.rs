//! Where imported modules come from.

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::{Ctx, Exception, Module};

use super::{Cx, Engine};

/// Finds the modules that a module imports.
pub trait ModuleHost {
    /// The absolute name of a module that `base` imports as `specifier`.
    ///
    /// # Errors
    ///
    /// Why there is none, in a sentence.
    fn resolve(&self, base: &str, specifier: &str) -> Result<String, String>;

    /// The source of the module of an absolute name.
    ///
    /// # Errors
    ///
    /// Why it cannot be had, in a sentence.
    fn load(&self, name: &str) -> Result<String, String>;
}

struct Adapter<H>(std::rc::Rc<H>);

impl<H: ModuleHost> Resolver for Adapter<H> {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        let resolved = self.0.resolve(base, name);
        resolved.map_err(|message| Exception::throw_type(ctx, &message))
    }
}

impl<H: ModuleHost> Loader for Adapter<H> {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js>> {
        let source = self.0.load(name);
        let source = source.map_err(|message| Exception::throw_type(ctx, &message))?;
        let module = Module::declare(ctx.clone(), name, source)?;
        let cx = Cx(ctx.clone());
        let meta = super::Object(module.meta()?);
        match meta.define_value(&cx, "url", cx.string(name)) {
            Ok(()) => Ok(module),
            Err(thrown) => Err(ctx.throw(thrown.0.0)),
        }
    }
}

impl Engine {
    /// Says where modules come from.
    pub fn set_module_host(&self, host: impl ModuleHost + 'static) {
        let host = std::rc::Rc::new(host);
        self.runtime.set_loader(Adapter(host.clone()), Adapter(host));
    }
}
