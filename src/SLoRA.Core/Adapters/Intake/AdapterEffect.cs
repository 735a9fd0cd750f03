using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// Which modules of an adapter change nothing: those whose scale is zero, and those of which A or B is zero everywhere as it lies in the
/// pages. An adapter of such modules alone answers as the base model does, which nobody means who registers one.
/// </summary>
internal static class AdapterEffect
{
    // The largest fp32 magnitudes that become zero, to nearest even: half the smallest subnormal number of the type, 2⁻²⁵ for fp16 and
    // 2⁻¹³⁴ for bf16.
    private const uint ZeroInF16 = 0x3300_0000;
    private const uint ZeroInBF16 = 0x8000;

    private const float LargestRounding = 1 / 64f;

    /// <summary>The modules whose scale is zero: what configuration and headers can tell.</summary>
    public static ImmutableArray<string> Without(ImmutableArray<AdapterModule> modules) =>
        [.. modules.Where(module => module.Scale == 0).Select(module => module.Target.Name)];

    /// <summary>The modules without effect, once their values are known.</summary>
    /// <param name="content">The content.</param>
    /// <param name="directory">The types in which the pages hold it.</param>
    public static ImmutableArray<string> Without(AdapterContent content, TileDirectory directory) =>
        [.. content.Modules.Where(module => IsWithout(module, directory.Modules[module.Target.Index]!) && !IsChanged(content, module))
            .Select(module => module.Target.Name)];

    /// <summary>
    /// Refuses an adapter of which no module has an effect, unless it has weights in the place of the base's.
    /// </summary>
    /// <exception cref="AdapterLoadException">It is one.</exception>
    public static void Check(string adapter, AdapterCoverage coverage)
    {
        if (coverage.ModulesWithoutEffect.Length < coverage.Modules.Length || coverage.HasOwnWeights)
        {
            return;
        }

        bool byScale = coverage.Modules.All(module => module.Scale == 0);
        string reason = byScale
            ? "is zero in all modules, so A and B are multiplied by zero"
            : $"changes nothing: A, B or the scale is zero in all of its {coverage.Modules.Length} modules";
        const string Advice =
            "The adapter would answer as the base model does; if that is meant, set AllowWithoutEffect where adapters are configured";
        throw new AdapterLoadException(
            adapter,
            byScale
                ? new FormatError(LoadErrorKind.Config, AdapterFolder.ConfigFile, "lora_alpha", $"{reason}. {Advice}")
                : new FormatError(LoadErrorKind.Tensor, AdapterFolder.TensorFile, null, $"{reason}. {Advice}"));
    }

    private static bool IsWithout(AdapterContentModule module, ModuleTiles tiles) =>
        module.Scale == 0 || IsZero(module.A, tiles.A.Type) || IsZero(module.B, tiles.B.Type);

    /// <summary>
    /// Whether the module is changed beside B A: by a bias of B, or by magnitudes that are not the norms of the base's weight, which they
    /// are before training but for how trainers round them.
    /// </summary>
    private static bool IsChanged(AdapterContent content, AdapterContentModule module) =>
        content.Changes.FirstOrDefault(change => change.Target.Index == module.Target.Index) is { } change
        && ((change.LoraBias is { LargestBits: > 0 } && module.Scale != 0)
            || change.Factor?.Any(factor => Math.Abs(factor - 1) > LargestRounding) is true);

    private static bool IsZero(WeightMatrix matrix, TensorType stored) =>
        matrix.LargestBits <= (matrix.Type, stored) switch
        {
            (TensorType.F32, TensorType.F16) => ZeroInF16,
            (TensorType.F32, TensorType.BF16) => ZeroInBF16,
            (TensorType.F32, TensorType.F32) or (TensorType.F16, TensorType.F16) or (TensorType.BF16, TensorType.BF16) => 0,
            _ => throw UnservedType.Error(stored),
        };
}
