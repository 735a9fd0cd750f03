using System.Reflection;

namespace SLoRA.PublicApi.Tests.Package;

/// <summary>What a name in a library's documentation stands for: <c>M:Namespace.Type.Method(System.Int32)</c>.</summary>
internal static class DocumentedMember
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    /// <summary>
    /// Whether a program that refers to the library can see it; null where some overloads of the name can be seen and some cannot.
    /// </summary>
    public static bool? IsVisible(Assembly library, string name)
    {
        string path = name[2..].Split('(', '~')[0];
        if (name[0] == 'T')
        {
            return TypeOf(library, path) is { IsVisible: true };
        }

        int dot = path.LastIndexOf('.');
        string member = path[(dot + 1)..].Split("``")[0].Replace('#', '.');
        if (TypeOf(library, path[..dot]) is not { IsVisible: true } type)
        {
            return false;
        }

        bool[] overloads = [.. type.GetMember(member, Declared).Select(IsVisible).Distinct()];
        return overloads.Length == 1 ? overloads[0] : null;
    }

    private static bool IsVisible(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsVisible),
        EventInfo change => IsVisible(change.AddMethod!),
        _ => false,
    };

    /// <summary>The type of a name that does not tell namespaces from the types that others are nested in.</summary>
    private static Type? TypeOf(Assembly library, string path)
    {
        for (string name = path; ;)
        {
            if (library.GetType(name) is { } type)
            {
                return type;
            }

            int dot = name.LastIndexOf('.');
            if (dot < 0)
            {
                return null;
            }

            name = $"{name[..dot]}+{name[(dot + 1)..]}";
        }
    }
}
