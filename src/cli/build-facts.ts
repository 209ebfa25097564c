// The version and the commit of this build.

/** Set by the bundler; a run from source says so. */
declare const QEDGE_VERSION: string | undefined;
declare const QEDGE_COMMIT: string | undefined;

/** Version of this build, as semver.org has it. */
export const version = typeof QEDGE_VERSION === 'string' ? QEDGE_VERSION : '0.1.0-source';
/** Commit of this build; `source` when it runs from source. */
export const commit = typeof QEDGE_COMMIT === 'string' ? QEDGE_COMMIT : 'source';
