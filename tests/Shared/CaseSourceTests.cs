using System.Collections;
using System.Reflection;
using Assert = NUnit.Framework.Assert;
using Is = NUnit.Framework.Is;

namespace SLoRA.Tests;

/// <summary>That no test has silently lost its cases.</summary>
public sealed class CaseSourceTests
{
    private const BindingFlags Any =
        BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Sources whose cases are in packages that a machine may have.</summary>
    private static readonly string[] Installed = ["UserFolderTests.Cases"];

    [NUnit.Framework.Test]
    public void Every_source_has_cases()
    {
        string[] sources = [.. typeof(CaseSourceTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(Any))
            .SelectMany(method => method.GetCustomAttributes<NUnit.Framework.TestCaseSourceAttribute>()
                .Select(source => (
                    Type: source.SourceType ?? method.DeclaringType!, Name: source.SourceName!, Arguments: source.MethodParams)))
            .Where(source => !CasesOf(source.Type, source.Name, source.Arguments).GetEnumerator().MoveNext())
            .Select(source => $"{source.Type.Name}.{source.Name}").Distinct()];

        Assert.That(sources.Except(Installed), Is.Empty);
    }

    private static IEnumerable CasesOf(Type type, string name, object?[]? arguments) =>
        (IEnumerable)(type.GetMember(name, Any).Single() switch
        {
            MethodInfo method => method.Invoke(null, arguments)!,
            PropertyInfo property => property.GetValue(null)!,
            FieldInfo field => field.GetValue(null)!,
            MemberInfo other => throw new InvalidOperationException($"{other} gives no cases."),
        });
}
