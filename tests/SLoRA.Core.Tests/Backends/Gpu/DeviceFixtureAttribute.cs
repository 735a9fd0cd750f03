using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using NUnit.Framework.Internal.Builders;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// A fixture whose tests all need the device of <see cref="SharedDevice"/>. Where there is none it has no tests, and
/// <see cref="DeviceFixtureTests"/> says so in one line for all of them.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class DeviceFixtureAttribute : NUnitAttribute, IFixtureBuilder
{
    public IEnumerable<TestSuite> BuildFrom(ITypeInfo typeInfo) =>
        SharedDevice.WhyNot is null ? [new NUnitTestFixtureBuilder().BuildFrom(typeInfo, NoFilter.Instance)] : [];

    private sealed class NoFilter : IPreFilter
    {
        public static readonly NoFilter Instance = new();

        public bool IsMatch(Type type) => true;

        public bool IsMatch(Type type, System.Reflection.MethodInfo method) => true;
    }
}
