namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Kinds of <see cref="PtxOperand"/>.</summary>
internal enum OperandKind
{
    /// <summary>A register, by its number.</summary>
    Register,

    /// <summary>Bits that are the same for all lanes.</summary>
    Immediate,

    /// <summary>A register that the hardware has: <c>%tid.x</c>.</summary>
    Special,

    /// <summary>An address: a register or a place, and an offset.</summary>
    Address,

    /// <summary>Several operands.</summary>
    Vector,

    /// <summary>A label.</summary>
    Label,
}

/// <summary>An operand of an instruction.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Number">A register's number; of an address −1 if it has none.</param>
/// <param name="Bits">The bits of an immediate, the offset of an address.</param>
/// <param name="Name">The name of a special register or a label.</param>
/// <param name="Parts">The operands of a vector.</param>
internal sealed record PtxOperand(OperandKind Kind, int Number = -1, ulong Bits = 0, string Name = "", PtxOperand[]? Parts = null);
