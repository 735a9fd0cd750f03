using System.Reflection;
using SLoRA.Core.Tests.Backends.Gpu.Ptx;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>
/// Divisors of whole numbers are never 0, by their form. ILGPU computes what a short condition guards in any case, and a division by 0 ends
/// a process on OpenCL's processor devices, so a condition around a division is not enough.
/// </summary>
/// <remarks>
/// Never 0 are constants, products, maxima with a positive constant, bits of which a constant sets one, a choice whose condition is that
/// what is chosen is positive, and fields and parameters of <see cref="PositiveParameters"/>. A register is never 0 if nothing that is
/// written to it is.
/// </remarks>
internal sealed class DivisorRule
{
    private readonly PtxKernel _text;
    private readonly ParameterNames _names;
    private readonly ILookup<int, PtxInstruction> _writes;

    private DivisorRule(MethodInfo kernel, PtxCode code)
    {
        _text = PtxParser.Parse(code.Text);
        _names = new ParameterNames(kernel, _text);
        _writes = _text.Instructions
            .Where(instruction => instruction.Operands is [{ Kind: OperandKind.Register or OperandKind.Vector }, ..])
            .SelectMany(instruction => Targets(instruction).Select(register => (register, instruction)))
            .ToLookup(write => write.register, write => write.instruction);
    }

    /// <summary>A line for each divisor that may be 0.</summary>
    public static IEnumerable<string> Broken(MethodInfo kernel, PtxCode code)
    {
        var rule = new DivisorRule(kernel, code);
        foreach (PtxInstruction division in rule._text.Instructions.Where(IsDivision))
        {
            if (rule.Doubt(division.Operands[2], []) is { } doubt)
            {
                yield return $"a divisor that may be 0: {division} ({doubt})";
            }
        }
    }

    private static bool IsDivision(PtxInstruction instruction) =>
        instruction.Operation is "div" or "rem" && instruction.Words[^1][0] is 's' or 'u';

    private static IEnumerable<int> Targets(PtxInstruction instruction) => instruction.Operands[0] switch
    {
        { Kind: OperandKind.Vector, Parts: { } parts } => parts.Select(part => part.Number),
        { } target => [target.Number],
    };

    /// <summary>Why an operand may be 0; null if it never is.</summary>
    private string? Doubt(PtxOperand operand, HashSet<int> under)
    {
        if (operand.Kind != OperandKind.Register)
        {
            return operand is { Kind: OperandKind.Immediate, Bits: not 0 } ? null : $"{operand.Kind} {operand.Bits}";
        }

        // A register that is written what it had is no doubt of its own.
        return under.Add(operand.Number)
            ? _writes[operand.Number].Select(write => Doubt(write, under)).FirstOrDefault(doubt => doubt is not null)
            : null;
    }

    private string? Doubt(PtxInstruction write, HashSet<int> under)
    {
        PtxOperand[] operands = write.Operands;
        return write.Operation switch
        {
            "mov" or "cvt" => Doubt(operands[1], under),
            "mul" => Doubt(operands[1], under) ?? Doubt(operands[2], under),
            "shl" when operands[2].Kind == OperandKind.Immediate => Doubt(operands[1], under),
            "max" when IsPositive(operands[1]) || IsPositive(operands[2]) => null,
            "or" when operands[2] is { Kind: OperandKind.Immediate, Bits: not 0 } => null,
            "selp" => (IsWherePositive(operands[1], operands[3]) ? null : Doubt(operands[1], under)) ?? Doubt(operands[2], under),
            "ld" when write.Has("param") => _names.Of(operands[1]) is var name && PositiveParameters.Has(name) ? null : name,
            _ => write.Text,
        };
    }

    private static bool IsPositive(PtxOperand operand) => operand.Kind == OperandKind.Immediate && (long)operand.Bits > 0;

    /// <summary>Whether the predicate says that the operand is above 0, or not 0.</summary>
    private bool IsWherePositive(PtxOperand operand, PtxOperand predicate) =>
        _writes[predicate.Number].ToArray() is [{ Operation: "setp" } test] && (test.Has("gt") || test.Has("ne"))
        && test.Operands is [_, var tested, { Kind: OperandKind.Immediate, Bits: 0 }] && tested == operand;
}
