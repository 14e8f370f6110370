/* The few CANN functions whose answers torch_npu looks at, and counters of what it asks a device to do.
 * Device memory is the host's; kernels compute nothing. check_torch_npu.py generates the other functions. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "acl/acl.h"
#include "acl/acl_op_compiler.h"
#include "acl/error_codes/rt_error_codes.h"

/* In the order of COUNTED of check_torch_npu.py. */
enum { LAUNCHES, TO_DEVICE, TO_HOST, SYNCHRONISATIONS, KINDS };
long ascend_stub_counts[KINDS];

static uintptr_t stream_count, graph_count;
static aclrtStream captured; /* the stream whose work becomes a graph, or none */
static char anything[64];     /* what contexts and events point to */

/* What is captured runs with the graph, whose launch counts. */
void ascend_stub_launch(void) {
    if (!captured)
        ascend_stub_counts[LAUNCHES]++;
}

/* What is captured cannot be waited for. */
static aclError synchronised(aclrtStream stream) {
    if (captured && stream == captured)
        return ACL_ERROR_RT_STREAM_CAPTURED;
    ascend_stub_counts[SYNCHRONISATIONS]++;
    return ACL_SUCCESS;
}

static aclError copied(void *to, const void *from, size_t count, aclrtMemcpyKind kind) {
    if (kind == ACL_MEMCPY_HOST_TO_DEVICE)
        ascend_stub_counts[TO_DEVICE]++;
    else if (kind == ACL_MEMCPY_DEVICE_TO_HOST)
        ascend_stub_counts[TO_HOST]++;
    else
        ascend_stub_launch();
    memmove(to, from, count);
    if (kind == ACL_MEMCPY_DEVICE_TO_HOST && count == 1)
        *(char *)to = 1; /* an answer to a question: yes, so that checks of values pass */
    return ACL_SUCCESS;
}

static aclError made(void **object) {
    *object = anything;
    return ACL_SUCCESS;
}

/* Never given back: the process is short, and fresh pages are zero. */
static aclError allocated(void **memory, size_t size) {
    *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return *memory == MAP_FAILED ? ACL_ERROR_BAD_ALLOC : ACL_SUCCESS;
}

/* The device */
const char *aclrtGetSocName(void) { return "Ascend910B1"; }

const char *aclGetRecentErrMsg(void) { return ""; }

aclError aclrtGetDeviceCount(uint32_t *count) {
    *count = 1;
    return ACL_SUCCESS;
}

aclError aclrtGetDevice(int32_t *device) {
    *device = 0;
    return ACL_SUCCESS;
}

size_t aclGetCompileoptSize(aclCompileOpt option) {
    (void)option;
    return sizeof anything;
}

aclError aclrtGetCurrentContext(aclrtContext *context) { return made(context); }

/* Memory */
aclError aclrtGetMemInfo(aclrtMemAttr kind, size_t *free, size_t *total) {
    (void)kind;
    *free = *total = (size_t)64 << 30;
    return ACL_SUCCESS;
}

aclError aclrtMalloc(void **memory, size_t size, aclrtMemMallocPolicy policy) {
    (void)policy;
    return allocated(memory, size);
}

aclError aclrtMallocAlign32(void **memory, size_t size, aclrtMemMallocPolicy policy) {
    (void)policy;
    return allocated(memory, size);
}

aclError aclrtMallocHost(void **memory, size_t size) { return allocated(memory, size); }

aclError aclrtMemcpy(void *to, size_t room, const void *from, size_t count, aclrtMemcpyKind kind) {
    (void)room;
    return copied(to, from, count, kind);
}

aclError aclrtMemcpyAsync(
    void *to, size_t room, const void *from, size_t count, aclrtMemcpyKind kind, aclrtStream stream) {
    (void)room, (void)stream;
    return copied(to, from, count, kind);
}

/* Streams and events */
aclError aclrtCreateStream(aclrtStream *stream) {
    *stream = (aclrtStream)++stream_count;
    return ACL_SUCCESS;
}

aclError aclrtCreateStreamWithConfig(aclrtStream *stream, uint32_t priority, uint32_t flag) {
    (void)priority, (void)flag;
    return aclrtCreateStream(stream);
}

aclError aclrtCreateEventWithFlag(aclrtEvent *event, uint32_t flag) {
    (void)flag;
    return made(event);
}

aclError aclrtCreateEventExWithFlag(aclrtEvent *event, uint32_t flag) {
    (void)flag;
    return made(event);
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus *status) {
    (void)event;
    *status = ACL_EVENT_RECORDED_STATUS_COMPLETE;
    return ACL_SUCCESS;
}

aclError aclrtSynchronizeDevice(void) { return synchronised(captured); }

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout) {
    (void)timeout;
    return synchronised(captured);
}

aclError aclrtSynchronizeStream(aclrtStream stream) { return synchronised(stream); }

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
    (void)timeout;
    return synchronised(stream);
}

aclError aclrtSynchronizeEvent(aclrtEvent event) {
    (void)event;
    return synchronised(NULL);
}

/* Graphs: each has a handle and a number of its own. */
aclError aclmdlRICaptureBegin(aclrtStream stream, aclmdlRICaptureMode mode) {
    (void)mode;
    captured = stream;
    graph_count++;
    return ACL_SUCCESS;
}

aclError aclmdlRICaptureGetInfo(aclrtStream stream, aclmdlRICaptureStatus *status, aclmdlRI *graph) {
    int active = captured && stream == captured;
    *status = active ? ACL_MODEL_RI_CAPTURE_STATUS_ACTIVE : ACL_MODEL_RI_CAPTURE_STATUS_NONE;
    *graph = (aclmdlRI)graph_count;
    return ACL_SUCCESS;
}

aclError aclmdlRICaptureEnd(aclrtStream stream, aclmdlRI *graph) {
    (void)stream;
    captured = NULL;
    *graph = (aclmdlRI)graph_count;
    return ACL_SUCCESS;
}

aclError aclmdlRIGetId(aclmdlRI graph, uint32_t *number) {
    *number = (uint32_t)(uintptr_t)graph;
    return ACL_SUCCESS;
}
