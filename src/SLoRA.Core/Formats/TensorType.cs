namespace SLoRA.Formats;

internal enum TensorType { F32, F16, BF16 }
internal static class TensorTypes { public static int ElementSize(this TensorType t) => t == TensorType.F32 ? 4 : 2; }
