/* Gives back to the kernel what the process holds and does not use: free memory in malloc's arenas, and pages of the
   executable that are mapped because something once ran there. */

#define _GNU_SOURCE
#include "addon.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Unmaps the pages of a segment that cannot have been written to; the next access finds it in the page cache. */
static void drop_segment(uintptr_t base, const ElfW(Phdr) *segment, uintptr_t page_bytes) {
  if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) return;
  uintptr_t first = (base + segment->p_vaddr + page_bytes - 1) & ~(page_bytes - 1);
  uintptr_t end = (base + segment->p_vaddr + segment->p_memsz) & ~(page_bytes - 1);
  if (first < end) (void)madvise((void *)first, end - first, MADV_DONTNEED);
}

/* The first object is the executable itself; a result other than 0 ends the walk. */
static int drop_executable(struct dl_phdr_info *object, size_t bytes, void *unused) {
  (void)bytes, (void)unused;
  uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < object->dlpi_phnum; i++) drop_segment(object->dlpi_addr, &object->dlpi_phdr[i], page_bytes);
  return 1;
}

/* releaseMemory(): void */
napi_value qedge_release_memory(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
  (void)malloc_trim(0);
  (void)dl_iterate_phdr(drop_executable, NULL);
  return NULL;
}
