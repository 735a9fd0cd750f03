using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>What the backend computes with in this process, and what stands in the way of more.</summary>
internal static class InstructionSets
{
    /// <summary>Bits of the vectors of products.</summary>
    public static int VectorBits { get; } = Avx512BW.IsSupported ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>What is in use, for people.</summary>
    public static string InUse { get; } = VectorBits switch
    {
        512 => "AVX-512",
        256 => "AVX2 and FMA",
        _ when AdvSimd.IsSupported => "AdvSimd",
        _ when Vector128.IsHardwareAccelerated => "vectors of 128 bits without fused multiply-add",
        _ => "no vector instructions",
    };

    /// <summary>
    /// What is missing that would make products about four times as fast, and what to do about it; null where nothing is.
    /// </summary>
    public static string? Missing { get; } = MultiplyAdd.IsFused ? null : RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 when !X86Base.IsSupported => "vector instructions are switched off for this process (DOTNET_EnableHWIntrinsic)",
        Architecture.X64 when !ProcessorHasAvx2() => "the processor has no AVX2 and FMA",
        Architecture.X64 when !RuntimeFeature.IsDynamicCodeCompiled
            => "the processor has AVX2 and FMA, but this program was compiled ahead of time without them (publish it with "
                + "IlcInstructionSet x86-64-v3)",
        Architecture.X64 =>
            "the processor has AVX2 and FMA, but they are switched off for this process (DOTNET_EnableAVX2, DOTNET_EnableAVX)",
        _ => "fused multiply-add is not among the vector instructions that .NET uses on this architecture",
    };

    /// <summary>What <see cref="BackendStatus.Instructions"/> says.</summary>
    public static string Description { get; } = Missing is null ? InUse : $"{InUse}: {Missing}";

    /// <summary>Asks the processor itself: what .NET says is true of the process, and of a program compiled ahead of time.</summary>
    private static bool ProcessorHasAvx2()
    {
        const int Fma = 1 << 12;
        const int Avx2 = 1 << 5;
        const int ExtendedFeatures = 7;
        return X86Base.CpuId(0, 0).Eax >= ExtendedFeatures
            && (X86Base.CpuId(1, 0).Ecx & Fma) != 0
            && (X86Base.CpuId(ExtendedFeatures, 0).Ebx & Avx2) != 0;
    }
}
