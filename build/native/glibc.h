/* Included before every source of an addon: keeps it loadable on glibc 2.31 (Ubuntu 20.04, JetPack 5), although it is
   compiled on a newer system. glibc 2.32 to 2.34 gave symbols that were always there new versions; each is bound here
   to the version that the architecture's first ABI gave it. */
#ifndef QEDGE_GLIBC_H
#define QEDGE_GLIBC_H

#if defined(__x86_64__)
#define QEDGE_BASE "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define QEDGE_BASE "GLIBC_2.17"
#else
#error "no first glibc version known for this architecture"
#endif

#define QEDGE_BIND(name) __asm__(".symver " #name "," #name "@" QEDGE_BASE)

/* libpthread and libdl became part of libc in 2.34. */
QEDGE_BIND(pthread_create);
QEDGE_BIND(pthread_join);
QEDGE_BIND(pthread_once);
QEDGE_BIND(pthread_key_create);
QEDGE_BIND(pthread_setspecific);
QEDGE_BIND(pthread_getspecific);
QEDGE_BIND(pthread_mutexattr_init);
QEDGE_BIND(pthread_mutexattr_settype);
QEDGE_BIND(pthread_mutexattr_destroy);
QEDGE_BIND(pthread_mutex_trylock);
QEDGE_BIND(dlopen);
QEDGE_BIND(dlsym);
QEDGE_BIND(dlclose);
QEDGE_BIND(dlerror);

#endif
