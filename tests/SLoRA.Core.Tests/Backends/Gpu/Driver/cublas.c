// A cuBLAS over the stub driver's memory: the one product of the tests, computed on the host, and a log of its arguments.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stub_note(const char *line);
void stub_flush(void);

static int handles;

static float widen(const void *data, long index, int type) {
    if (type == 0)
        return ((const float *)data)[index];
    uint16_t bits = ((const uint16_t *)data)[index];
    if (type == 14) {
        uint32_t wide = (uint32_t)bits << 16;
        float value;
        memcpy(&value, &wide, 4);
        return value;
    }
    _Float16 half;
    memcpy(&half, &bits, 2);
    return half;
}

int stub_blas_handles(void) { return handles; }

int cublasCreate_v2(void **handle) {
    const char *status = getenv("STUB_BLAS_CREATE");
    if (status)
        return atoi(status);
    *handle = malloc(1);
    handles++;
    stub_note("cublasCreate");
    return 0;
}

int cublasDestroy_v2(void *handle) {
    free(handle);
    handles--;
    stub_note("cublasDestroy");
    return 0;
}

int cublasSetStream_v2(void *handle, void *stream) {
    stub_note(stream ? "cublasSetStream" : "cublasSetStream to none");
    return 0;
}

int cublasSetWorkspace_v2(void *handle, void *memory, size_t bytes) {
    char line[80];
    snprintf(line, sizeof line, "cublasSetWorkspace %zu", bytes);
    stub_note(line);
    return 0;
}

// C = alpha op(A) op(B) + beta C, columns first.
int cublasGemmEx(
    void *handle, int op_a, int op_b, int m, int n, int k, const float *alpha, const void *a, int type_a, int lda, const void *b, int type_b, int ldb,
    const float *beta, float *c, int type_c, int ldc, int compute, int algorithm) {
    char line[200];
    snprintf(
        line, sizeof line, "cublasGemmEx %d %d m%d n%d k%d A%d/%d B%d/%d C%d/%d compute %d algorithm %d", op_a, op_b, m, n, k, type_a, lda, type_b, ldb, type_c,
        ldc, compute, algorithm);
    stub_note(line);
    if (getenv("STUB_BLAS_GEMM"))
        return atoi(getenv("STUB_BLAS_GEMM"));
    if (type_c != 0 || compute != 68 || lda < (op_a ? k : m) || ldb < (op_b ? n : k) || ldc < m)
        return 7;
    stub_flush();
    for (int column = 0; column < n; column++)
        for (int row = 0; row < m; row++) {
            float sum = 0;
            for (int i = 0; i < k; i++)
                sum += widen(a, op_a ? i + (long)row * lda : row + (long)i * lda, type_a) * widen(b, op_b ? column + (long)i * ldb : i + (long)column * ldb, type_b);
            float *out = c + row + (long)column * ldc;
            *out = *alpha * sum + (*beta == 0 ? 0 : *beta * *out);
        }
    return 0;
}
