using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Xml.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// A task of the build: writes a library's documentation again without the members that its users cannot see. The compiler documents
/// internal members too, and has no switch against it.
/// </summary>
public sealed class PublicDocumentation : Task
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    /// <summary>The documentation that the compiler wrote.</summary>
    [Required]
    public string Documentation { get; set; }

    /// <summary>The library.</summary>
    [Required]
    public string Library { get; set; }

    /// <summary>What it was compiled against.</summary>
    [Required]
    public ITaskItem[] References { get; set; }

    /// <summary>Where to write.</summary>
    [Required]
    public string Output { get; set; }

    public override bool Execute()
    {
        var document = XDocument.Load(Documentation, LoadOptions.PreserveWhitespace);
        HashSet<string> visible = VisibleNames();
        foreach (XElement member in document.Descendants("member").Where(member => !visible.Contains(member.Attribute("name").Value))
            .ToList())
        {
            // With the line break and the indentation before it.
            if (member.PreviousNode is XText space)
                space.Remove();
            member.Remove();
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Output));
        document.Save(Output, SaveOptions.DisableFormatting);
        return true;
    }

    private HashSet<string> VisibleNames()
    {
        // The build compiles its tasks against netstandard, which does not have the reader of assemblies that the build itself has.
        Assembly reader = Assembly.Load("System.Reflection.MetadataLoadContext");
        object resolver = Activator.CreateInstance(
            reader.GetType("System.Reflection.PathAssemblyResolver"), References.Select(reference => reference.ItemSpec).Append(Library));
        using (var context = (IDisposable)Activator.CreateInstance(
            reader.GetType("System.Reflection.MetadataLoadContext"), resolver, "System.Runtime"))
        {
            var library = (Assembly)context.GetType().GetMethod("LoadFromAssemblyPath").Invoke(context, new object[] { Library });
            return new HashSet<string>(library.GetExportedTypes().SelectMany(type => MembersOf(type).Prepend("T:" + NameOf(type))));
        }
    }

    private static IEnumerable<string> MembersOf(Type type)
    {
        string prefix = NameOf(type) + ".";
        foreach (MethodBase method in type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)).Where(IsVisible))
        {
            string arity = method.IsGenericMethod ? "``" + method.GetGenericArguments().Length : "";
            string result =
                method.Name == "op_Implicit" || method.Name == "op_Explicit" ? "~" + Signature(((MethodInfo)method).ReturnType) : "";
            yield return "M:" + prefix + method.Name.Replace('.', '#') + arity + Parameters(method.GetParameters()) + result;
        }

        foreach (FieldInfo field in type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly))
            yield return "F:" + prefix + field.Name;
        foreach (PropertyInfo property in type.GetProperties(Declared).Where(property => property.GetAccessors(true).Any(IsVisible)))
            yield return "P:" + prefix + property.Name + Parameters(property.GetIndexParameters());
        foreach (EventInfo change in type.GetEvents(Declared).Where(change => IsVisible(change.AddMethod)))
            yield return "E:" + prefix + change.Name;
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Parameters(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? "" : "(" + string.Join(",", parameters.Select(parameter => Signature(parameter.ParameterType))) + ")";

    /// <summary>A type as the names of methods spell it.</summary>
    private static string Signature(Type type)
    {
        if (type.IsByRef)
            return Signature(type.GetElementType()) + "@";
        if (type.IsPointer)
            return Signature(type.GetElementType()) + "*";
        if (type.IsArray)
            return Signature(type.GetElementType())
                + (type.GetArrayRank() == 1 ? "[]" : "[" + string.Join(",", Enumerable.Repeat("0:", type.GetArrayRank())) + "]");
        if (type.IsGenericParameter)
            return (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition;
        if (!type.IsGenericType)
            return NameOf(type);

        // Each type of a nested name has its own arguments behind it.
        var arguments = new Queue<string>(type.GetGenericArguments().Select(Signature));
        return string.Join(".", NameOf(type.GetGenericTypeDefinition()).Split('.').Select(part =>
        {
            int tick = part.IndexOf('`');
            return tick < 0
                ? part
                : part.Substring(0, tick) + "{"
                    + string.Join(",", Enumerable.Range(0, int.Parse(part.Substring(tick + 1))).Select(_ => arguments.Dequeue())) + "}";
        }));
    }

    private static string NameOf(Type type) => type.FullName.Replace('+', '.');
}
