// Half of what the start of a program costs is to load packages. This keeps what V8 makes of their modules, and leaves
// out a package that Pulumi needs for dynamic providers only.
const fs = require("fs");
const path = require("path");
const v8 = require("v8");
const vm = require("vm");
const { Module } = require("module");

const kept = path.join(process.cwd(), "node_modules", ".compiled"); // npm removes it with the packages
if (Module.enableCompileCache) {
    Module.enableCompileCache(kept); // Node.js 22.8 and later
} else if (vm.constants) {
    keepCompiled(kept + "-" + process.version); // Node.js 20.12 and later
}

const load = Module._load;
Module._load = function (request, ...rest) {
    return request === "@npmcli/arborist" ? {} : load.call(this, request, ...rest);
};

function keepCompiled(file) {
    let data = {};
    try {
        data = v8.deserialize(fs.readFileSync(file));
    } catch {} // the first time
    const scripts = {};
    let complete = true;

    const compile = Module.prototype._compile;
    Module.prototype._compile = function (content, filename) {
        if (!filename.includes("/node_modules/") || content.startsWith("#!")) {
            return compile.call(this, content, filename); // V8 compares only lengths, and this may change
        }
        const script = new vm.Script(Module.wrap(content), {
            filename,
            cachedData: data[filename],
            importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
        });
        scripts[filename] = script;
        complete &&= script.cachedDataRejected === false;
        const required = (id) => this.require(id);
        required.resolve = (request, options) => Module._resolveFilename(request, this, false, options);
        required.main = process.mainModule;
        required.cache = Module._cache;
        required.extensions = Module._extensions;
        const args = [this.exports, required, this, filename, path.dirname(filename)];
        return script.runInThisContext().apply(this.exports, args);
    };

    process.on("exit", (code) => {
        if (complete || code !== 0) {
            return;
        }
        for (const [name, script] of Object.entries(scripts)) {
            data[name] = script.createCachedData();
        }
        fs.writeFileSync(file + process.pid, v8.serialize(data));
        fs.renameSync(file + process.pid, file);
    });
}
