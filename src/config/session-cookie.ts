// The cookie that the admin port gives a browser. Cookies ignore ports, so that the proxy's port sees it as well and must keep it
// from instances: both know it by this name.

/** The dashboard's own cookie; it never reaches an instance, and no instance sets it. */
export const SESSION_COOKIE = 'qedge_session';
