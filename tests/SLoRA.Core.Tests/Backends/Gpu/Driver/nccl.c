// An NCCL over the stub driver's memory: what is sent arrives, in the order of the streams. Like the driver's, each of its entry points can be made to fail.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void stub_note(const char *line);
int stub_enter(const char *name);
int stub_send(const char *source, size_t bytes, int from, int to, void *stream);
int stub_receive(char *target, size_t bytes, int from, int to, void *stream);
void stub_abort_messages(void);
void stub_forget_messages(void);

struct Communicator {
    int device;
    const int *devices;
};

struct Call {
    int sends, peer;
    char *memory;
    size_t bytes;
    struct Communicator *own;
    void *stream;
};

static __thread struct Call pending[256];
static __thread int pending_count, group;
static int live, devices[16];

#define ENTER()                           \
    int result = stub_enter(__func__);    \
    if (result)                           \
        return result

int stub_communicators(void) { return live; }

int ncclGetVersion(int *version) {
    ENTER();
    const char *given = getenv("STUB_NCCL_VERSION");
    *version = given ? atoi(given) : 22703;
    return 0;
}

const char *ncclGetErrorString(int status) { return "as the test asked"; }

int ncclCommInitAll(struct Communicator **communicators, int count, const int *list) {
    ENTER();
    stub_forget_messages();
    for (int i = 0; i < count; i++) {
        devices[i] = list[i];
        communicators[i] = malloc(sizeof **communicators);
        communicators[i]->device = list[i];
        communicators[i]->devices = devices;
        live++;
    }
    stub_note("ncclCommInitAll");
    return 0;
}

int ncclGroupStart(void) {
    ENTER();
    group++;
    return 0;
}

static int call(int sends, void *memory, size_t count, int type, int peer, struct Communicator *own, void *stream) {
    if (type != 7 || !group || pending_count == 256)
        return 4;
    pending[pending_count++] = (struct Call){sends, own->devices[peer], memory, count * 4, own, stream};
    return 0;
}

int ncclSend(void *memory, size_t count, int type, int peer, struct Communicator *own, void *stream) {
    ENTER();
    return call(1, memory, count, type, peer, own, stream);
}

int ncclRecv(void *memory, size_t count, int type, int peer, struct Communicator *own, void *stream) {
    ENTER();
    return call(0, memory, count, type, peer, own, stream);
}

int ncclGroupEnd(void) {
    int result = stub_enter(__func__);
    if (--group > 0)
        return result;
    for (int i = 0; i < pending_count && !result; i++) {
        struct Call *one = &pending[i];
        result = one->sends ? stub_send(one->memory, one->bytes, one->own->device, one->peer, one->stream)
                            : stub_receive(one->memory, one->bytes, one->peer, one->own->device, one->stream);
    }
    pending_count = 0;
    return result;
}

static int end(struct Communicator *own, const char *line) {
    free(own);
    live--;
    stub_note(line);
    return 0;
}

int ncclCommDestroy(struct Communicator *own) {
    int result = stub_enter(__func__);
    end(own, "ncclCommDestroy");
    return result;
}

int ncclCommAbort(struct Communicator *own) {
    int result = stub_enter(__func__);
    stub_abort_messages();
    end(own, "ncclCommAbort");
    return result;
}
