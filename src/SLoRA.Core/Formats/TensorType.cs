namespace SLoRA.Formats;

/// <summary>
/// The element types that a safetensors header may name. All are understood, so that a header can be checked; few can be computed with.
/// </summary>
internal enum TensorType
{
    F32,
    F16,
    BF16,
    F64,
    F8E4M3,
    F8E5M2,
    F8E8M0,
    F8E4M3Fnuz,
    F8E5M2Fnuz,
    F6E2M3,
    F6E3M2,
    F4,
    C64,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}
