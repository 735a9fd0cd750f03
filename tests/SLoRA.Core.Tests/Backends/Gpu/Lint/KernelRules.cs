using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;
using System.Text.RegularExpressions;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>
/// What no kernel may have in it: code that is slow, that no driver links, or that ILGPU 1.5.3 compiles to something else than the C# says.
/// Indices below zero, which it takes for huge ones, cannot be told from the text: ILGPU's simulation stops at them.
/// </summary>
internal static class KernelRules
{
    private const int SharedLimit = 48 * 1024;

    private static readonly string[] Miscompiled =
        ["FusedMultiplyAdd", "CopySign", "ReciprocalEstimate", "ReciprocalSqrtEstimate", "Clamp", "Sin", "Cos", "SinCos", "Pow"];

    /// <summary>Every rule that the code breaks.</summary>
    public static IEnumerable<string> Broken(KernelCode source, PtxCode code) => [.. OfSource(source), .. OfText(source, code)];

    private static IEnumerable<string> OfSource(KernelCode source)
    {
        foreach ((MethodBase method, List<Instruction> instructions) in source.Methods)
        {
            for (int i = 1; i < instructions.Count; i++)
            {
                // A constant may be widened before it divides.
                Instruction divisor = instructions[i - 1].Code.Name!.StartsWith("conv", StringComparison.Ordinal) && i > 1
                    ? instructions[i - 2]
                    : instructions[i - 1];
                bool divides = instructions[i].Code == OpCodes.Div || instructions[i].Code == OpCodes.Div_Un;
                if (divides && divisor.Constant is { } constant && BitOperations.IsPow2(constant))
                {
                    yield return $"{method.Name} divides by {constant}: ILGPU shifts, whatever the sign; write the shift";
                }
            }
        }

        foreach (MethodBase method in source.Foreign.Where(method => Miscompiled.Contains(method.Name)))
        {
            yield return $"calls {method.DeclaringType!.Name}.{method.Name}, which ILGPU miscompiles or makes many instructions of";
        }
    }

    private static IEnumerable<string> OfText(KernelCode source, PtxCode code)
    {
        if (code.Text.Contains(".local", StringComparison.Ordinal))
        {
            yield return "local memory: an array with a variable index, or a variable whose address is taken";
        }

        if (code.Text.Contains(".extern", StringComparison.Ordinal))
        {
            yield return "an external function, which nobody links";
        }

        if (code.Of("call").Any() || code.Instructions.Count(line => line.Contains(".func", StringComparison.Ordinal)) > 0)
        {
            yield return "calls: everything is to be in line";
        }

        if (code.Text.Contains(".f64", StringComparison.Ordinal))
        {
            yield return "double precision";
        }

        if (code.Text.Contains("0f00000001", StringComparison.Ordinal))
        {
            yield return "the smallest subnormal number: a truth value stored as float; write 1f : 0f";
        }

        if (code.Text.Contains("copysign", StringComparison.Ordinal))
        {
            yield return "copysign, whose operands ILGPU swaps";
        }

        if (code.SharedBytes > SharedLimit)
        {
            yield return $"{code.SharedBytes} bytes of shared memory; a group has {SharedLimit}";
        }

        if (!Regex.IsMatch(code.Text, $@"\.maxntid\s+{KernelLoader.GroupSize}\s*,\s*1\s*,\s*1"))
        {
            yield return "no limit on threads, without which the compiler reckons with the largest group";
        }

        if (code.Of(@"shr\.s").Any()
            && !source.Methods.Any(method => method.Instructions.Any(instruction => instruction.Code == OpCodes.Shr)))
        {
            yield return "a signed shift where the source has none: a division by what turned out to be a constant";
        }

        if (HasBarriersSideBySide(code))
        {
            yield return "two barriers and no shared memory used in between: accesses were moved over one";
        }
    }

    /// <summary>Whether two barriers follow one another, straight on, without an access to shared memory that either would order.</summary>
    private static bool HasBarriersSideBySide(PtxCode code)
    {
        bool afterBarrier = false;
        foreach (string line in code.Instructions)
        {
            if (line.Contains("bar.sync", StringComparison.Ordinal))
            {
                if (afterBarrier)
                {
                    return true;
                }

                afterBarrier = true;
            }
            else if (line.Contains(".shared", StringComparison.Ordinal) || line.EndsWith(':'))
            {
                afterBarrier = false;
            }
        }

        return false;
    }
}
