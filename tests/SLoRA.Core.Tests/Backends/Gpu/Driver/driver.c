// A CUDA driver without a device, for tests of the host's side: device memory is main memory, kernels compute nothing, every call is counted and logged,
// and any call can be made to fail. Copies run when their stream, or an event behind them, is waited for, as late as a driver may run them, so that staging
// which is reused too early shows, and so does what is read before it has landed; an event that is only asked about is reached at the third question. A stream
// that waits for an event waits for the copies before it, of whatever device. Lines of the log about streams of other devices than the first say so. Launches on
// a stream that is captured go into a graph, and so does which memory their arguments name; anything else on that stream is a misuse, and so is a graph that
// is launched when some of that memory has been freed.
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *Handle;

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_READY = 600, CAPTURE_UNSUPPORTED = 900,
       CAPTURE_INVALIDATED = 901, QUESTIONS = 3 };
enum Kind { CONTEXT, DEVICE_MEMORY, HOST_MEMORY, STREAM, MODULE, FUNCTION, EVENT, ACCESS, GRAPH, EXECUTABLE, KINDS };

struct Object {
    enum Kind kind;
    struct Object *next;
    struct Object *context; // what it belongs to
    int broken;             // of a context: the error that every later call gets
    uint64_t bytes;
    char *memory;
    char name[160];         // of a stream or an event: what its lines of the log begin with
    struct Object *stream;  // of an event: where it was recorded
    uint64_t behind;        // of an event: the last copy before it
    int questions;          // of an event: how often it was asked about since
    int device;             // of a context
    struct Object *peer;    // of memory access: the other context
    int users;              // of a context that the runtime shares: how many hold it
    uint64_t number;        // of memory: which it is, of all that there has been
    struct Object *graph;   // of a stream: what its launches go into
    int is_invalid;         // of a stream: whether the capture has ended without a graph
    int launches;           // of a graph: how many
    uint64_t *named;        // of a graph: the memory that its launches name
    int name_count;
};

// What one device sends another through NCCL: its bytes leave in the order of the sender's stream, and arrive when the receiver's stream comes to it.
struct Message {
    struct Message *next;
    int from, to;
    int is_sent, is_received, is_aborted;
    struct Object *stream; // the sender's
    uint64_t behind;       // the copy that fills the bytes
    char *bytes;
    size_t length;
};

struct Copy {
    struct Copy *next;
    uint64_t number;
    struct Object *stream;
    char *target;
    const char *source;
    size_t bytes;
    struct Object *awaited; // of a wait: the stream
    uint64_t behind;        // of a wait: the last copy before the event
    struct Message *message; // of a receipt: what is awaited
};

static pthread_cond_t arrival = PTHREAD_COND_INITIALIZER;
static struct Message *messages;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct Object *objects;
static struct Copy *first_copy, **last_copy = &first_copy;
static __thread struct Object *current;
static char *text;
static size_t text_length, text_room;
static long calls, fail_at, misuses;
static int fail_code, fail_for_ever;
static char fail_name[64];
static uint64_t allocated, copies, memories;

static int setting(const char *name, int usual) {
    const char *value = getenv(name);
    return value ? atoi(value) : usual;
}

static void note(const char *format, ...) {
    if (text_room - text_length < 1024)
        text = realloc(text, text_room = text_room * 2 + 65536);
    va_list values;
    va_start(values, format);
    text_length += vsnprintf(text + text_length, 1000, format, values);
    va_end(values);
    text[text_length++] = '\n';
    text[text_length] = 0;
}

static void misuse(const char *what) {
    misuses++;
    note("misuse: %s", what);
}

static struct Object *find(Handle handle, enum Kind kind) {
    for (struct Object *object = objects; object; object = object->next)
        if (object == handle && object->kind == kind)
            return object;
    return NULL;
}

static struct Object *create(enum Kind kind, struct Object *context) {
    struct Object *object = calloc(1, sizeof *object);
    object->kind = kind;
    object->context = context;
    object->next = objects;
    return objects = object;
}

static void drop(struct Object *object) {
    struct Object **link = &objects;
    while (*link != object)
        link = &(*link)->next;
    *link = object->next;
    if (object->kind == DEVICE_MEMORY)
        allocated -= object->bytes;
    free(object->memory);
    free(object->named);
    free(object);
}

// The memory that holds all these bytes.
static struct Object *holder(const char *address, size_t bytes, enum Kind kind) {
    for (struct Object *object = objects; object; object = object->next)
        if (object->kind == kind && address >= object->memory && address + bytes <= object->memory + object->bytes)
            return object;
    return NULL;
}

// The first copies of a stream, or of all streams, up to one of them.
static void run_copies_of(struct Object *stream, uint64_t up_to) {
    for (;;) {
        struct Copy **link = &first_copy;
        while (*link && ((*link)->number > up_to || (stream && (*link)->stream != stream)))
            link = &(*link)->next;
        struct Copy *copy = *link;
        if (!copy)
            return;
        *link = copy->next;
        for (last_copy = &first_copy; *last_copy;)
            last_copy = &(*last_copy)->next;
        if (copy->message) {
            struct Message *message = copy->message;
            while (!message->is_sent && !message->is_aborted)
                pthread_cond_wait(&arrival, &gate);
            if (message->is_sent) {
                run_copies_of(message->stream, message->behind);
                memcpy(copy->target, message->bytes, copy->bytes);
            }
        } else if (copy->awaited)
            run_copies_of(copy->awaited, copy->behind);
        else
            memcpy(copy->target, copy->source, copy->bytes);
        free(copy);
    }
}

static struct Copy *queue_copy(struct Object *stream, char *target, const char *source, size_t bytes, struct Object *awaited, uint64_t behind) {
    struct Copy *copy = calloc(1, sizeof *copy);
    copy->number = ++copies;
    copy->stream = stream;
    copy->target = target;
    copy->source = source;
    copy->bytes = bytes;
    copy->awaited = awaited;
    copy->behind = behind;
    *last_copy = copy;
    last_copy = &copy->next;
    return copy;
}

static void run_copies(void) { run_copies_of(NULL, UINT64_MAX); }

// A stream that is captured takes launches alone.
static int refuses(struct Object *stream) {
    if (stream && stream->graph) {
        misuse("a stream that is captured");
        stream->is_invalid = 1;
        return 1;
    }
    return 0;
}

static void name_memory(struct Object *graph, const char *address) {
    struct Object *memory = holder(address, 1, DEVICE_MEMORY);
    if (!memory)
        return;
    for (int i = 0; i < graph->name_count; i++)
        if (graph->named[i] == memory->number)
            return;
    graph->named = realloc(graph->named, (graph->name_count + 1) * sizeof *graph->named);
    graph->named[graph->name_count++] = memory->number;
}

static int is_there(uint64_t number) {
    for (struct Object *object = objects; object; object = object->next)
        if (object->kind == DEVICE_MEMORY && object->number == number)
            return 1;
    return 0;
}

static int is_reached(const struct Object *event) {
    for (const struct Copy *copy = first_copy; copy; copy = copy->next)
        if (copy->stream == event->stream && copy->number <= event->behind)
            return 0;
    return 1;
}

// Every entry point begins here: counts, and answers what the test asked for. Needs a context: 1 its own, 0 none.
static int enter(const char *name, int needs_context) {
    pthread_mutex_lock(&gate);
    calls++;
    int counted = fail_name[0] == 0 || strcmp(fail_name, name) == 0;
    if (fail_at > 0 && counted && --fail_at == 0) {
        note("%s fails: %d", name, fail_code);
        if (fail_for_ever && find(current, CONTEXT)) // another thread may have destroyed it
            current->broken = fail_code;
        return fail_code;
    }
    if (!needs_context)
        return SUCCESS;
    if (!current || !find(current, CONTEXT)) {
        misuse(name);
        return INVALID_CONTEXT;
    }
    return current->broken;
}

static int leave(int result) {
    pthread_mutex_unlock(&gate);
    return result;
}

#define ENTER(needs_context)                       \
    int result = enter(__func__, needs_context);   \
    if (result != SUCCESS)                         \
        return leave(result)

// What tests ask of the stub.

void stub_reset(void) {
    pthread_mutex_lock(&gate);
    text_length = 0;
    calls = fail_at = 0;
    pthread_mutex_unlock(&gate);
}

void stub_fail(const char *name, long at, int code, int for_ever) {
    pthread_mutex_lock(&gate);
    snprintf(fail_name, sizeof fail_name, "%s", name);
    fail_at = at;
    fail_code = code;
    fail_for_ever = for_ever;
    pthread_mutex_unlock(&gate);
}

void stub_note(const char *line) {
    pthread_mutex_lock(&gate);
    note("%s", line);
    pthread_mutex_unlock(&gate);
}

void stub_flush(void) {
    pthread_mutex_lock(&gate);
    run_copies();
    pthread_mutex_unlock(&gate);
}

// An entry point of another library, which can be made to fail like the driver's own.
int stub_enter(const char *name) { return leave(enter(name, 0)); }

// Whether memory and stream are of the context of a device that the runtime shares.
static int is_shared(const char *memory, size_t bytes, Handle stream, int device) {
    struct Object *holding = holder(memory, bytes, DEVICE_MEMORY), *queue = find(stream, STREAM);
    return holding && queue && queue->context == holding->context && holding->context->users > 0 && holding->context->device == device;
}

static struct Message *message_of(int from, int to, int sends) {
    struct Message **link = &messages;
    while (*link && ((*link)->from != from || (*link)->to != to || (sends ? (*link)->is_sent : (*link)->is_received)))
        link = &(*link)->next;
    if (!*link) {
        *link = calloc(1, sizeof **link);
        (*link)->from = from;
        (*link)->to = to;
    }
    return *link;
}

int stub_send(const char *source, size_t bytes, int from, int to, Handle stream) {
    pthread_mutex_lock(&gate);
    if (!is_shared(source, bytes, stream, from)) {
        misuse("ncclSend");
        return leave(4);
    }
    struct Message *message = message_of(from, to, 1);
    message->bytes = malloc(bytes);
    message->length = bytes;
    message->stream = find(stream, STREAM);
    queue_copy(message->stream, message->bytes, source, bytes, NULL, 0);
    message->behind = copies;
    message->is_sent = 1;
    note("%ssend to device %d %zu", message->stream->name, to, bytes);
    pthread_cond_broadcast(&arrival);
    return leave(SUCCESS);
}

int stub_receive(char *target, size_t bytes, int from, int to, Handle stream) {
    pthread_mutex_lock(&gate);
    if (!is_shared(target, bytes, stream, to)) {
        misuse("ncclRecv");
        return leave(4);
    }
    struct Message *message = message_of(from, to, 0);
    message->is_received = 1;
    struct Object *queue = find(stream, STREAM);
    queue_copy(queue, target, NULL, bytes, NULL, 0)->message = message;
    note("%sreceive from device %d %zu", queue->name, from, bytes);
    return leave(SUCCESS);
}

// Nobody waits for messages any longer.
void stub_abort_messages(void) {
    pthread_mutex_lock(&gate);
    for (struct Message *message = messages; message; message = message->next)
        message->is_aborted = 1;
    pthread_cond_broadcast(&arrival);
    leave(SUCCESS);
}

// No message is under way; those of the next communicators are others.
void stub_forget_messages(void) {
    pthread_mutex_lock(&gate);
    messages = NULL;
    leave(SUCCESS);
}

long stub_calls(void) { return calls; }
long stub_misuses(void) { return misuses; }
int stub_fired(void) { return fail_code != 0 && fail_at == 0; }

// Until the next call of the driver, on whatever thread.
const char *stub_log(void) {
    pthread_mutex_lock(&gate);
    if (!text)
        note("begin");
    text[text_length] = 0;
    pthread_mutex_unlock(&gate);
    return text;
}

int stub_live(int kind) {
    pthread_mutex_lock(&gate);
    int count = 0;
    for (struct Object *object = objects; object; object = object->next)
        count += object->kind == (enum Kind)kind;
    pthread_mutex_unlock(&gate);
    return count;
}

// The driver.

int cuInit(int flags) {
    ENTER(0);
    return leave(setting("STUB_INIT", 0));
}

int cuDriverGetVersion(int *version) {
    ENTER(0);
    *version = setting("STUB_DRIVER", 13000);
    return leave(SUCCESS);
}

int cuDeviceGetCount(int *count) {
    ENTER(0);
    *count = setting("STUB_DEVICES", 1);
    return leave(SUCCESS);
}

int cuDeviceGet(int *device, int index) {
    ENTER(0);
    *device = index;
    return leave(SUCCESS);
}

int cuDeviceGetName(char *name, int length, int device) {
    ENTER(0);
    snprintf(name, length, "Stub %d", device);
    return leave(SUCCESS);
}

static uint64_t memory_size(void) {
    const char *value = getenv("STUB_MEMORY");
    return value ? strtoull(value, NULL, 10) : 80ull << 30;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    ENTER(0);
    *bytes = memory_size();
    return leave(SUCCESS);
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    ENTER(0);
    int capability = setting("STUB_CAPABILITY", 90);
    switch (attribute) {
    case 1: case 2: case 3: *value = 1024; break;          // threads of a block, and along x and y
    case 4: *value = 64; break;                            // along z
    case 5: *value = 2147483647; break;                    // blocks along x
    case 6: case 7: *value = 65535; break;                 // along y and z
    case 8: *value = 49152; break;                         // shared memory of a block
    case 9: case 12: case 82: *value = 65536; break;       // constant memory, registers
    case 10: *value = 32; break;                           // threads of a warp
    case 13: *value = 1980000; break;                      // clock
    case 16: *value = 132; break;                          // multiprocessors
    case 33: *value = device + 1; break;                   // bus
    case 39: *value = 2048; break;                         // threads of a multiprocessor
    case 75: *value = capability / 10; break;
    case 76: *value = capability % 10; break;
    case 81: *value = 233472; break;                       // shared memory of a multiprocessor
    default: *value = 0; break;
    }
    return leave(SUCCESS);
}

int cuDeviceCanAccessPeer(int *can, int device, int peer) { ENTER(0); *can = device != peer && setting("STUB_PEERS", 0); return leave(SUCCESS); }
int cuDeviceGetP2PAttribute(int *value, int attribute, int source, int target) { ENTER(0); *value = 0; return leave(SUCCESS); }

int cuCtxEnablePeerAccess(Handle context, int flags) {
    ENTER(1);
    struct Object *peer = find(context, CONTEXT);
    if (!peer || peer == current)
        return leave(INVALID_CONTEXT);
    for (struct Object *object = objects; object; object = object->next)
        if (object->kind == ACCESS && object->context == current && object->peer == peer)
            return leave(704);
    create(ACCESS, current)->peer = peer;
    return leave(SUCCESS);
}

int cuCtxDisablePeerAccess(Handle context) { ENTER(1); return leave(SUCCESS); }

int cuCtxCreate_v2(Handle *context, int flags, int device) {
    ENTER(0);
    *context = current = create(CONTEXT, NULL);
    current->device = device;
    note("cuCtxCreate");
    return leave(SUCCESS);
}

static int destroy_context(struct Object *destroyed) {
    run_copies();
    int left = 0;
    for (struct Object *object = objects, *next; object; object = next) {
        next = object->next;
        if (object->context == destroyed) {
            left += object->kind != FUNCTION && object->kind != ACCESS;
            drop(object);
            next = objects;
        }
    }
    note("cuCtxDestroy %d left%s", left, destroyed->broken ? " broken" : "");
    drop(destroyed);
    if (current == destroyed)
        current = NULL;
    return SUCCESS;
}

int cuCtxDestroy_v2(Handle context) {
    ENTER(0);
    struct Object *destroyed = find(context, CONTEXT);
    return leave(destroyed && destroyed->users == 0 ? destroy_context(destroyed) : INVALID_CONTEXT);
}

static struct Object *shared_context(int device) {
    for (struct Object *object = objects; object; object = object->next)
        if (object->kind == CONTEXT && object->users > 0 && object->device == device)
            return object;
    return NULL;
}

int cuDevicePrimaryCtxRetain(Handle *context, int device) {
    ENTER(0);
    struct Object *shared = shared_context(device);
    if (!shared) {
        shared = create(CONTEXT, NULL);
        shared->device = device;
    }
    shared->users++;
    *context = shared;
    return leave(SUCCESS);
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    ENTER(0);
    struct Object *shared = shared_context(device);
    if (!shared) {
        misuse("cuDevicePrimaryCtxRelease");
        return leave(INVALID_CONTEXT);
    }
    return leave(--shared->users > 0 ? SUCCESS : destroy_context(shared));
}

// The contexts below the thread's own.
static __thread struct Object *pushed[8];
static __thread int depth;

int cuCtxPushCurrent_v2(Handle context) {
    ENTER(0);
    struct Object *entered = find(context, CONTEXT);
    if (!entered || depth == 8) {
        misuse("cuCtxPushCurrent");
        return leave(INVALID_CONTEXT);
    }
    if (entered->broken)
        return leave(entered->broken);
    pushed[depth++] = current;
    current = entered;
    return leave(SUCCESS);
}

int cuCtxPopCurrent_v2(Handle *context) {
    int result = enter(__func__, 0);
    if (depth == 0) {
        misuse("cuCtxPopCurrent");
        return leave(INVALID_CONTEXT);
    }
    *context = current;
    current = pushed[--depth];
    return leave(result);
}

int cuCtxSetCurrent(Handle context) {
    ENTER(0);
    if (context && !find(context, CONTEXT)) {
        misuse("cuCtxSetCurrent");
        return leave(INVALID_CONTEXT);
    }
    current = context;
    return leave(current ? current->broken : SUCCESS);
}

int cuCtxSynchronize(void) { ENTER(1); run_copies(); note("cuCtxSynchronize"); return leave(SUCCESS); }
int cuCtxGetCacheConfig(int *value) { ENTER(1); *value = 0; return leave(SUCCESS); }
int cuCtxSetCacheConfig(int value) { ENTER(1); return leave(SUCCESS); }
int cuCtxGetSharedMemConfig(int *value) { ENTER(1); *value = 0; return leave(SUCCESS); }
int cuCtxSetSharedMemConfig(int value) { ENTER(1); return leave(SUCCESS); }

int cuMemGetInfo_v2(size_t *available, size_t *total) {
    ENTER(1);
    *total = memory_size();
    *available = memory_size() - allocated;
    return leave(SUCCESS);
}

static int allocate(Handle *address, size_t bytes, enum Kind kind, const char *name) {
    if (kind == DEVICE_MEMORY && allocated + bytes > memory_size())
        return OUT_OF_MEMORY;
    struct Object *object = create(kind, current);
    object->number = ++memories;
    object->bytes = bytes;
    object->memory = aligned_alloc(512, (bytes + 511) / 512 * 512);
    if (kind == DEVICE_MEMORY) {
        allocated += bytes;
        memset(object->memory, 0, bytes);
    }
    *address = object->memory;
    note("%s %zu", name, bytes);
    return SUCCESS;
}

static int release(Handle address, enum Kind kind, const char *name) {
    struct Object *object = holder(address, 1, kind);
    if (!object || object->memory != address) {
        if (address)
            misuse(name);
        return INVALID_VALUE;
    }
    run_copies();
    note("%s %llu", name, (unsigned long long)object->bytes);
    drop(object);
    return SUCCESS;
}

int cuMemAlloc_v2(Handle *address, size_t bytes) { ENTER(1); return leave(allocate(address, bytes, DEVICE_MEMORY, "cuMemAlloc")); }
int cuMemFree_v2(Handle address) { ENTER(1); return leave(release(address, DEVICE_MEMORY, "cuMemFree")); }
int cuMemAllocHost_v2(Handle *address, size_t bytes) { ENTER(1); return leave(allocate(address, bytes, HOST_MEMORY, "cuMemAllocHost")); }
int cuMemFreeHost(Handle address) { ENTER(1); return leave(release(address, HOST_MEMORY, "cuMemFreeHost")); }
int cuMemHostRegister_v2(Handle address, size_t bytes, int flags) { ENTER(1); return leave(SUCCESS); }
int cuMemHostUnregister(Handle address) { ENTER(1); return leave(SUCCESS); }
int cuMemHostGetDevicePointer_v2(Handle *device, Handle host, int flags) { ENTER(1); *device = host; return leave(SUCCESS); }

int cuPointerGetAttribute(Handle value, int attribute, Handle address) {
    ENTER(0);
    *(int *)value = holder(address, 1, DEVICE_MEMORY) ? 2 : 1;
    return leave(SUCCESS);
}

int cuMemcpyAsync(char *target, const char *source, size_t bytes, Handle stream) {
    ENTER(1);
    int to_device = holder(target, bytes, DEVICE_MEMORY) != NULL;
    int from_device = holder(source, bytes, DEVICE_MEMORY) != NULL;
    struct Object *queue = find(stream, STREAM);
    if ((!to_device && !holder(target, bytes, HOST_MEMORY)) || (!from_device && !holder(source, bytes, HOST_MEMORY)) || !queue) {
        misuse("cuMemcpyAsync");
        return leave(INVALID_VALUE);
    }
    if (refuses(queue))
        return leave(CAPTURE_UNSUPPORTED);
    note("%scopy %s %zu", queue->name, to_device ? from_device ? "on the device" : "up" : "down", bytes);
    queue_copy(queue, target, source, bytes, NULL, 0);
    return leave(SUCCESS);
}

int cuMemcpyPeerAsync(char *target, Handle target_context, const char *source, Handle source_context, size_t bytes, Handle stream) {
    ENTER(1);
    struct Object *to = holder(target, bytes, DEVICE_MEMORY), *from = holder(source, bytes, DEVICE_MEMORY), *queue = find(stream, STREAM);
    if (!to || !from || !queue || to->context != target_context || from->context != source_context || queue->context != current) {
        misuse("cuMemcpyPeerAsync");
        return leave(INVALID_VALUE);
    }
    note("%speer copy from device %d %zu", queue->name, from->context->device, bytes);
    queue_copy(queue, target, source, bytes, NULL, 0);
    return leave(SUCCESS);
}

int cuMemsetD8Async(char *address, unsigned char value, size_t bytes, Handle stream) {
    ENTER(1);
    run_copies();
    memset(address, value, bytes);
    note("cuMemset %zu", bytes);
    return leave(SUCCESS);
}

int cuStreamCreate(Handle *stream, int flags) {
    ENTER(1);
    int number = 1;
    for (struct Object *object = objects; object; object = object->next)
        number += object->kind == STREAM && object->context == current;
    struct Object *created = create(STREAM, current);
    int length = current->device ? snprintf(created->name, sizeof created->name, "device %d: ", current->device) : 0;
    if (number > 1)
        snprintf(created->name + length, sizeof created->name - length, "stream %d: ", number);
    *stream = created;
    note("cuStreamCreate %d", flags);
    return leave(SUCCESS);
}

int cuStreamCreateWithPriority(Handle *stream, int flags, int priority) { return cuStreamCreate(stream, flags); }

int cuStreamDestroy_v2(Handle stream) {
    ENTER(1);
    struct Object *object = find(stream, STREAM);
    if (!object) {
        misuse("cuStreamDestroy");
        return leave(INVALID_HANDLE);
    }
    run_copies_of(object, UINT64_MAX);
    note("cuStreamDestroy");
    drop(object);
    return leave(SUCCESS);
}

int cuStreamSynchronize(Handle stream) {
    ENTER(1);
    struct Object *object = find(stream, STREAM);
    if (refuses(object))
        return leave(CAPTURE_UNSUPPORTED);
    run_copies_of(object, UINT64_MAX);
    note("%ssynchronize", object ? object->name : "");
    return leave(SUCCESS);
}

int cuGetErrorString(int error, const char **message) {
    ENTER(0);
    *message = "as the test asked";
    return leave(SUCCESS);
}

// The name of the entry is what the test reads of a kernel.
static int load_module(Handle *module, const char *ptx) {
    struct Object *object = create(MODULE, current);
    const char *entry = strstr(ptx, ".entry ");
    if (entry)
        sscanf(entry + 7, "%150[^( \t\r\n]", object->name);
    note("module %s", object->name);
    *module = object;
    return SUCCESS;
}

int cuModuleLoadData(Handle *module, const char *ptx) { ENTER(1); return leave(load_module(module, ptx)); }

int cuModuleLoadDataEx(Handle *module, const char *ptx, int count, int *options, void **values) {
    const char *rejected = getenv("STUB_REJECT");
    int result = enter(__func__, 1);
    if (result == SUCCESS && rejected && strstr(ptx, rejected))
        result = 218; // invalid PTX
    for (int i = 0; i < count && result != SUCCESS; i++)
        if (options[i] == 5) // the buffer for errors
            snprintf(values[i], 200, "ptxas application ptx input, line 7;\n\terror : as the test asked");
    return leave(result == SUCCESS ? load_module(module, ptx) : result);
}

int cuModuleUnload(Handle module) {
    ENTER(1);
    struct Object *object = find(module, MODULE);
    if (!object) {
        if (module)
            misuse("cuModuleUnload");
        return leave(INVALID_HANDLE);
    }
    drop(object);
    return leave(SUCCESS);
}

int cuModuleGetFunction(Handle *function, Handle module, const char *name) {
    ENTER(1);
    struct Object *object = create(FUNCTION, current);
    snprintf(object->name, sizeof object->name, "%s", name);
    *function = object;
    return leave(SUCCESS);
}

int cuLaunchKernel(
    Handle function, int gx, int gy, int gz, int bx, int by, int bz, int shared, Handle stream, void **arguments, void **extra) {
    ENTER(1);
    struct Object *object = find(function, FUNCTION);
    struct Object *queue = find(stream, STREAM);
    if (!object || !queue || gx < 1 || gy < 1 || gz < 1 || gy > 65535 || gz > 65535) {
        misuse("cuLaunchKernel");
        return leave(INVALID_VALUE);
    }
    if (!queue->graph) {
        note("%slaunch %s %d %d %d", queue->name, object->name, gx, gy, gz);
        return leave(SUCCESS);
    }
    // CU_LAUNCH_PARAM_BUFFER_POINTER, the bytes, CU_LAUNCH_PARAM_BUFFER_SIZE, how many.
    char **words = extra[1];
    for (size_t i = 0; i < *(size_t *)extra[3] / sizeof *words; i++)
        name_memory(queue->graph, words[i]);
    queue->graph->launches++;
    note("%scapture %s %d %d %d", queue->name, object->name, gx, gy, gz);
    return leave(SUCCESS);
}

int cuStreamBeginCapture_v2(Handle stream, int mode) {
    ENTER(1);
    struct Object *queue = find(stream, STREAM);
    if (!queue || queue->graph || mode != 1) {
        misuse("cuStreamBeginCapture");
        return leave(INVALID_HANDLE);
    }
    queue->graph = create(GRAPH, current);
    queue->is_invalid = 0;
    note("%sbegin capture", queue->name);
    return leave(SUCCESS);
}

// A stream is no longer captured, whatever else the answer is.
int cuStreamEndCapture(Handle stream, Handle *graph) {
    int result = enter(__func__, 1);
    struct Object *queue = find(stream, STREAM);
    *graph = NULL;
    if (!queue || !queue->graph) {
        misuse("cuStreamEndCapture");
        return leave(INVALID_HANDLE);
    }
    struct Object *captured = queue->graph;
    queue->graph = NULL;
    result = result == SUCCESS && queue->is_invalid ? CAPTURE_INVALIDATED : result;
    if (result == SUCCESS)
        *graph = captured;
    else
        drop(captured);
    return leave(result);
}

int cuGraphInstantiateWithFlags(Handle *executable, Handle graph, uint64_t flags) {
    ENTER(1);
    struct Object *captured = find(graph, GRAPH);
    if (!captured || flags) {
        misuse("cuGraphInstantiateWithFlags");
        return leave(INVALID_VALUE);
    }
    struct Object *made = create(EXECUTABLE, current);
    made->launches = captured->launches;
    made->name_count = captured->name_count;
    made->named = malloc(captured->name_count * sizeof *made->named + 1);
    memcpy(made->named, captured->named, captured->name_count * sizeof *made->named);
    *executable = made;
    note("instantiate %d", made->launches);
    return leave(SUCCESS);
}

int cuGraphUpload(Handle executable, Handle stream) {
    ENTER(1);
    int is_known = find(executable, EXECUTABLE) && find(stream, STREAM);
    if (!is_known)
        misuse("cuGraphUpload");
    return leave(is_known ? SUCCESS : INVALID_VALUE);
}

int cuGraphLaunch(Handle executable, Handle stream) {
    ENTER(1);
    struct Object *graph = find(executable, EXECUTABLE), *queue = find(stream, STREAM);
    if (!graph || !queue || refuses(queue)) {
        misuse("cuGraphLaunch");
        return leave(INVALID_VALUE);
    }
    for (int i = 0; i < graph->name_count; i++)
        if (!is_there(graph->named[i]))
            misuse("cuGraphLaunch of launches that name memory which was freed");
    note("%sgraph %d", queue->name, graph->launches);
    return leave(SUCCESS);
}

static int drop_graph(Handle handle, enum Kind kind, const char *name) {
    struct Object *object = find(handle, kind);
    if (object)
        drop(object);
    else
        misuse(name);
    return object ? SUCCESS : INVALID_VALUE;
}

int cuGraphDestroy(Handle graph) { ENTER(1); return leave(drop_graph(graph, GRAPH, "cuGraphDestroy")); }
int cuGraphExecDestroy(Handle executable) { ENTER(1); return leave(drop_graph(executable, EXECUTABLE, "cuGraphExecDestroy")); }

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Handle function, int threads, size_t shared) { ENTER(1); *blocks = 2; return leave(SUCCESS); }

int cuOccupancyMaxPotentialBlockSize(int *grid, int *block, Handle function, Handle shared_of, size_t shared, int limit) {
    ENTER(1);
    *grid = 132;
    *block = 128;
    return leave(SUCCESS);
}

int cuEventCreate(Handle *event, int flags) { ENTER(1); *event = create(EVENT, current); return leave(SUCCESS); }

int cuEventDestroy_v2(Handle event) {
    ENTER(1);
    struct Object *object = find(event, EVENT);
    if (object)
        drop(object);
    else
        misuse("cuEventDestroy");
    return leave(object ? SUCCESS : INVALID_HANDLE);
}

int cuEventRecord(Handle event, Handle stream) {
    ENTER(1);
    struct Object *object = find(event, EVENT), *queue = find(stream, STREAM);
    if (!object || !queue) {
        misuse("cuEventRecord");
        return leave(INVALID_HANDLE);
    }
    object->stream = queue;
    object->behind = copies;
    object->questions = 0;
    snprintf(object->name, sizeof object->name, "%s", queue->name);
    note("%srecord", object->name);
    return leave(SUCCESS);
}

int cuStreamWaitEvent(Handle stream, Handle event, unsigned flags) {
    ENTER(1);
    struct Object *object = find(event, EVENT), *queue = find(stream, STREAM);
    if (!object || !queue || !object->stream || queue->context != current) {
        misuse("cuStreamWaitEvent");
        return leave(INVALID_HANDLE);
    }
    queue_copy(queue, NULL, NULL, 0, object->stream, object->behind);
    return leave(SUCCESS);
}

int cuEventQuery(Handle event) {
    ENTER(1);
    struct Object *object = find(event, EVENT);
    if (!object) {
        misuse("cuEventQuery");
        return leave(INVALID_HANDLE);
    }
    if (++object->questions >= QUESTIONS)
        run_copies_of(object->stream, object->behind);
    note("%s%s", object->name, is_reached(object) ? "reached" : "not reached");
    return leave(is_reached(object) ? SUCCESS : NOT_READY);
}

int cuEventSynchronize(Handle event) {
    ENTER(1);
    struct Object *object = find(event, EVENT);
    if (!object) {
        misuse("cuEventSynchronize");
        return leave(INVALID_HANDLE);
    }
    if (object->stream)
        run_copies_of(object->stream, object->behind);
    note("%swait", object->name);
    return leave(SUCCESS);
}

int cuEventElapsedTime(float *milliseconds, Handle begin, Handle end) { ENTER(1); *milliseconds = 1; return leave(SUCCESS); }
