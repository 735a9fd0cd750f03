using System.Reflection;
using System.Reflection.Emit;

namespace SLoRA.Core.Tests.Architecture;

/// <summary>
/// Which types of an assembly use which others, as the compiler has written it: base types, signatures, fields, attributes, locals,
/// handlers, and every token in the code of every method. Nested types, lambdas and state machines count as the type that they are written
/// in.
/// </summary>
internal static class TypeUses
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>Every pair of outermost types of which the first uses the second, without a type's use of itself.</summary>
    public static IReadOnlySet<(Type User, Type Used)> Of(Assembly assembly)
    {
        var uses = new HashSet<(Type, Type)>();
        foreach (Type type in assembly.GetTypes())
        {
            Type user = Outermost(type);
            foreach (Type used in Mentioned(type).SelectMany(Parts))
            {
                if (used.Assembly == assembly && Outermost(used) != user)
                {
                    uses.Add((user, Outermost(used)));
                }
            }
        }

        return uses;
    }

    /// <summary>The type that a nested one is written in.</summary>
    public static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static IEnumerable<Type> Mentioned(Type type)
    {
        IEnumerable<Type?> mentioned =
        [
            type.BaseType,
            .. type.GetInterfaces(),
            .. type.GetGenericArguments().SelectMany(argument => argument.GetGenericParameterConstraints()),
            .. Attributes(type),
            .. type.GetFields(All).SelectMany(field => Attributes(field).Append(field.FieldType)),
            .. type.GetProperties(All).SelectMany(Attributes),
            .. type.GetEvents(All).SelectMany(Attributes),
            .. type.GetMethods(All).SelectMany(method => OfMethod(method).Append(method.ReturnType)),
            .. type.GetConstructors(All).SelectMany(OfMethod),
        ];
        return mentioned.OfType<Type>();
    }

    private static IEnumerable<Type> Attributes(MemberInfo member) =>
        member.GetCustomAttributesData().Select(attribute => attribute.AttributeType);

    private static IEnumerable<Type?> OfMethod(MethodBase method)
    {
        IEnumerable<Type?> signature =
        [
            .. Attributes(method),
            .. method.GetParameters().Select(parameter => parameter.ParameterType),
            .. method.IsGenericMethodDefinition
                ? method.GetGenericArguments().SelectMany(argument => argument.GetGenericParameterConstraints())
                : [],
        ];
        return method.GetMethodBody() is not { } body
            ? signature
            :
            [
                .. signature,
                .. body.LocalVariables.Select(local => local.LocalType),
                .. body.ExceptionHandlingClauses.Where(clause => clause.Flags == ExceptionHandlingClauseOptions.Clause)
                    .Select(clause => clause.CatchType),
                .. Tokens(method, body.GetILAsByteArray()!),
            ];
    }

    private static IEnumerable<Type?> Tokens(MethodBase method, byte[] code)
    {
        Type[]? typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? methodArguments = method.IsGenericMethodDefinition ? method.GetGenericArguments() : null;
        for (int at = 0; at < code.Length;)
        {
            short value = code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at];
            OpCode opCode = OpCodesByValue[value];
            at += opCode.Size;
            if (opCode.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok
                or OperandType.InlineType)
            {
                MemberInfo member = method.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!;
                foreach (Type? type in OfMember(member))
                {
                    yield return type;
                }
            }

            at += opCode.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static IEnumerable<Type?> OfMember(MemberInfo member) => member switch
    {
        Type type => [type],
        FieldInfo field => [field.DeclaringType, field.FieldType],
        MethodInfo method =>
            [method.DeclaringType, method.ReturnType, .. method.GetParameters()
                .Select(parameter => parameter.ParameterType), .. method.GetGenericArguments()],
        ConstructorInfo constructor =>
            [constructor.DeclaringType, .. constructor.GetParameters().Select(parameter => parameter.ParameterType)],
        _ => [],
    };

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType)
        {
            return Parts(type.GetElementType()!);
        }

        return type.IsFunctionPointer
            ? type.GetFunctionPointerParameterTypes().Append(type.GetFunctionPointerReturnType()).SelectMany(Parts)
            : type.IsGenericType && !type.IsGenericTypeDefinition
                ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
                : type.IsGenericParameter ? [] : [type];
    }
}
