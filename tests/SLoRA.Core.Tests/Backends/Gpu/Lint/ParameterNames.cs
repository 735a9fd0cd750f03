using System.Reflection;
using System.Runtime.InteropServices;
using SLoRA.Core.Tests.Backends.Gpu.Ptx;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>What lies at a place of a kernel's parameters: the parameter, or the field of a struct that it is.</summary>
internal sealed class ParameterNames
{
    private readonly Dictionary<ulong, string> _names = [];

    public ParameterNames(MethodInfo kernel, PtxKernel text)
    {
        ParameterInfo[] parameters = kernel.GetParameters();
        for (int i = 0; i < parameters.Length; i++)
        {
            Add(parameters[i].ParameterType, $"{kernel.DeclaringType!.Name}.{kernel.Name}.{parameters[i].Name}", text.ParameterPlaces[i]);
        }
    }

    /// <summary>The name of what an address of a parameter reads.</summary>
    public string Of(PtxOperand address) => _names.GetValueOrDefault(address.Bits, $"parameter at {address.Bits}");

    private int Add(Type type, string name, int place)
    {
        if (type.IsPrimitive)
        {
            int size = type == typeof(bool) ? 1 : Marshal.SizeOf(type);
            int at = (place + size - 1) / size * size;
            _names.Add((ulong)at, name);
            return at + size;
        }

        if (type.Namespace == nameof(ILGPU))
        {
            return place;
        }

        int alignment = AlignmentOf(type);
        place = (place + alignment - 1) / alignment * alignment;
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            place = Add(field.FieldType, $"{type.Name}.{field.Name}", place);
        }

        return place;
    }

    private static int AlignmentOf(Type type) => type.IsPrimitive
        ? Marshal.SizeOf(type)
        : type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Max(field => AlignmentOf(field.FieldType));
}
