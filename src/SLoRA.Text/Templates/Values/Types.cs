using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>
/// The names of the language's types, for messages. Values are plain objects: null (none), bool, long or BigInteger (int), double (float),
/// string, <see cref="Markup"/>, <see cref="ContentText"/>, <see cref="TemplateList"/>, <see cref="TemplateTuple"/>,
/// <see cref="TemplateDict"/>, <see cref="DictView"/>, <see cref="TemplateRange"/>, <see cref="LazySequence"/>,
/// <see cref="TemplateNamespace"/>, <see cref="Undefined"/>, <see cref="LoopState"/> and <see cref="Callable"/>.
/// </summary>
internal static class Types
{
    public static string Name(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        string => "str",
        ContentText => "str",
        Markup => "Markup",
        TemplateList => "list",
        TemplateTuple => "tuple",
        TemplateDict => "dict",
        DictView view => view.Part switch { DictPart.Keys => "dict_keys", DictPart.Values => "dict_values", _ => "dict_items" },
        TemplateRange => "range",
        LazySequence => "generator",
        TemplateNamespace => "namespace",
        Undefined => "undefined",
        LoopState => "loop",
        Macro => "macro",
        Callable => "function",
        _ => "object",
    };

    public static bool IsText(object? value) => value is string or RichText;

    public static bool IsInteger(object? value) => value is long or BigInteger or bool;

    public static bool IsNumber(object? value) => value is long or BigInteger or bool or double;
}
