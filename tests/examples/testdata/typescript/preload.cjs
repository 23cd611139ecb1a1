// Half of what the start of a program costs is to load packages. This keeps what V8 makes of their modules beside them,
// as NODE_COMPILE_CACHE does from Node.js 22.1 on, and leaves out a package that Pulumi needs for dynamic providers only.
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const { Module } = require("module");

const file = path.join(process.cwd(), "node_modules", ".compiled");
let kept = {};
try {
    kept = require("v8").deserialize(fs.readFileSync(file));
} catch {} // the first time

const scripts = {};
let complete = true;
const compile = Module.prototype._compile;
Module.prototype._compile = function (content, filename) {
    // V8 knows a text by its length. A package's never changes: npm removes all of node_modules.
    if (!filename.includes("/node_modules/") || content.startsWith("#!")) {
        return compile.call(this, content, filename);
    }
    const script = new vm.Script(Module.wrap(content), {
        filename,
        cachedData: kept[filename],
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    scripts[filename] = script;
    complete &&= script.cachedDataRejected === false;
    const load = (id) => this.require(id);
    load.resolve = (request, options) => Module._resolveFilename(request, this, false, options);
    load.main = process.mainModule;
    load.cache = Module._cache;
    load.extensions = Module._extensions;
    const args = [this.exports, load, this, filename, path.dirname(filename)];
    return script.runInThisContext().apply(this.exports, args);
};

const load = Module._load;
Module._load = function (request, ...rest) {
    return request === "@npmcli/arborist" ? {} : load.call(this, request, ...rest);
};

process.on("exit", (code) => {
    if (complete || code !== 0) {
        return;
    }
    for (const [name, script] of Object.entries(scripts)) {
        kept[name] = script.createCachedData();
    }
    fs.writeFileSync(file + process.pid, require("v8").serialize(kept));
    fs.renameSync(file + process.pid, file);
});
