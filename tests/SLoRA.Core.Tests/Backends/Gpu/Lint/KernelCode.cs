using System.Reflection;
using System.Reflection.Emit;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>One instruction of a method's intermediate code.</summary>
/// <param name="Code">What it does.</param>
/// <param name="Constant">The integer that it loads, if it loads one.</param>
/// <param name="Called">The method that it calls, if it calls one.</param>
internal readonly record struct Instruction(OpCode Code, long? Constant, MethodBase? Called);

/// <summary>
/// The intermediate code of a kernel and of everything of ours that it calls: what the C# compiler made, before ILGPU makes something else
/// of it.
/// </summary>
internal sealed class KernelCode
{
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    private readonly HashSet<MethodBase> _seen = [];
    private readonly List<(MethodBase Method, List<Instruction> Instructions)> _methods = [];

    public KernelCode(MethodInfo kernel) => Follow(kernel);

    /// <summary>Every method of ours that the kernel reaches.</summary>
    public IReadOnlyList<(MethodBase Method, List<Instruction> Instructions)> Methods => _methods;

    /// <summary>Methods of others that the kernel calls.</summary>
    public HashSet<MethodBase> Foreign { get; } = [];

    private static bool IsOurs(MethodBase method) => method.Module.Assembly.GetName().Name!.StartsWith("SLoRA.", StringComparison.Ordinal);

    private void Follow(MethodBase method)
    {
        if (!IsOurs(method))
        {
            Foreign.Add(method);
        }
        else if (_seen.Add(method))
        {
            List<Instruction> instructions = Decode(method);
            _methods.Add((method, instructions));
            foreach (MethodBase called in instructions.Select(instruction => instruction.Called).OfType<MethodBase>())
            {
                Follow(called);
            }
        }
    }

    private static List<Instruction> Decode(MethodBase method)
    {
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? throw new InvalidOperationException($"{method} has no body.");
        Type[]? typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        var instructions = new List<Instruction>();
        Type? constrained = null;
        for (int at = 0; at < code.Length;)
        {
            OpCode op = code[at] == 0xFE ? OpCodesByValue[(short)(0xFE00 | code[at + 1])] : OpCodesByValue[code[at]];
            at += op.Size;
            MethodBase? called = null;
            if (op.OperandType == OperandType.InlineMethod)
            {
                called = method.Module.ResolveMethod(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!;
                called = constrained is null ? called : Implementation(constrained, called);
            }

            constrained = op == OpCodes.Constrained
                ? method.Module.ResolveType(BitConverter.ToInt32(code, at), typeArguments, methodArguments)
                : null;
            instructions.Add(new Instruction(op, ConstantOf(op, code, at), called));
            at += OperandSize(op, code, at);
        }

        return instructions;
    }

    private static MethodBase Implementation(Type type, MethodBase declared)
    {
        if (declared.DeclaringType is not { IsInterface: true } contract)
        {
            return declared;
        }

        InterfaceMapping map = type.GetInterfaceMap(contract);
        return map.TargetMethods[Array.FindIndex(map.InterfaceMethods, method => method.MetadataToken == declared.MetadataToken)];
    }

    private static long? ConstantOf(OpCode op, byte[] code, int at)
    {
        if (op == OpCodes.Ldc_I4)
        {
            return BitConverter.ToInt32(code, at);
        }

        if (op == OpCodes.Ldc_I4_S)
        {
            return (sbyte)code[at];
        }

        if (op == OpCodes.Ldc_I8)
        {
            return BitConverter.ToInt64(code, at);
        }

        int small = op.Value - OpCodes.Ldc_I4_0.Value;
        return small is >= 0 and <= 8 ? small : op == OpCodes.Ldc_I4_M1 ? -1 : null;
    }

    private static int OperandSize(OpCode op, byte[] code, int at) => op.OperandType switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
        _ => 4,
    };
}
